import Foundation
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

/// Damage to the write-ahead log that a killed process leaves behind.
@Suite("Damaged log", .timeLimit(.minutes(10)))
struct SpoolLogTests {
    private static let frameSize = 4_120

    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What a kill after so many commits of ten frames leaves; all packets of it.
    private func killed(commits: Int) throws -> (epoch: Epoch, packets: [[UInt8]], log: [UInt8]) {
        var configuration = smallConfiguration()
        configuration.ballast = 64 << 20  // the log may be long
        let killed = folder.file("killed")
        var spool = try Spool(directory: killed, configuration: configuration, now: start, machine: "here")
        var packets: [[UInt8]] = []
        for commit in 0..<commits {
            for number in 0..<10 {
                let frame = frame(UInt64(10 * commit + number), sizes: [[700], [500]])
                _ = try spool.append(frame)
                packets += frame.layers.flatMap { $0 }
            }
            try spool.commit()
        }
        try FileManager.default.moveItem(atPath: killed, toPath: folder.file("left"))
        let log = [UInt8](try Data(contentsOf: URL(filePath: folder.file("left/spool.db-wal"))))
        return (spool.epoch, packets, log)
    }

    /// Opens what was left, with another log.
    private func open(_ log: [UInt8]) throws -> Spool {
        let spool = folder.file("spool")
        try? FileManager.default.removeItem(atPath: spool)
        try FileManager.default.copyItem(atPath: folder.file("left"), toPath: spool)
        try Data(log).write(to: URL(filePath: spool + "/spool.db-wal"))
        // the copy takes itself for the original
        let identity = spool + "/identity.json"
        try String(contentsOfFile: identity, encoding: .utf8)
            .replacing(try inode(folder.file("left/spool.db")), with: try inode(spool + "/spool.db"))
            .write(toFile: identity, atomically: false, encoding: .utf8)
        return try openSpool(folder)
    }

    private func inode(_ path: String) throws -> String {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return "\"\(try #require(attributes[.systemFileNumber] as? NSNumber))\""
    }

    @Test("one flipped bit of the log costs nothing where the checksum tells which one it is", arguments: [1, 2])
    func repairsBits(commits: Int) throws {
        let (epoch, packets, log) = try killed(commits: commits)
        let last = log.count - Self.frameSize
        // header, salts, sums; the same of the first frame, of one that ends a commit, of the last one; pages
        var places = [0, 9, 17, 21, 26, 30, 32, 38, 42, 50, 54, 60, last + 2, last + 6, last + 9, last + 20]
        var random = SeededGenerator(seed: 11)
        for _ in 0..<40 { places.append(Int.random(in: 0..<log.count / 4, using: &random) * 4 + 1) }
        for place in places {
            var damaged = log
            damaged[place] ^= 1 << UInt8.random(in: 0..<7, using: &random)
            var spool = try open(damaged)
            #expect(spool.recovery == [.mendedLog(frames: 1)], "octet \(place)")
            #expect(spool.epoch == epoch)
            #expect(try spool.all(epoch, priority: 2).map(\.packet) == packets, "octet \(place)")
            #expect(spool.ledger.waiting == packets.count / 2)
        }
    }

    @Test("one flipped bit of the log costs the packets of its page at most, wherever it is", arguments: [1, 2])
    func survivesBits(commits: Int) throws {
        let (epoch, packets, log) = try killed(commits: commits)
        var random = SeededGenerator(seed: 12)
        for _ in 0..<60 {
            let place = Int.random(in: 0..<log.count / 4, using: &random) * 4 + 3
            var damaged = log
            damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            var spool = try open(damaged)
            let found = try spool.all(epoch, priority: 2).map(\.packet)
            #expect(found.count >= packets.count - 8, "octet \(place): \(found.count) of \(packets.count)")
            #expect(Set(found).isSubset(of: Set(packets)))
            #expect(spool.recovery.contains { if case .mendedLog = $0 { true } else { false } }, "octet \(place)")
            for _ in 0..<3 { try spool.maintain(now: start) }
            #expect(found.count == packets.count || spool.counters.damaged > 0)
            _ = try spool.settle(epoch, cumulative: UInt64(packets.count))
            try spool.commit()
            let ledger = spool.ledger
            #expect(
                ledger.waiting == 0 && ledger.spooled == ledger.delivered + ledger.droppedTotal,
                "octet \(place): \(ledger) \(spool.recovery)")
        }
    }

    @Test("a page of zeros in the first of two commits leaves the second one, which proves that the first was synced")
    func mendsFirstCommit() throws {
        let (epoch, packets, log) = try killed(commits: 2)
        let frames = (log.count - 32) / Self.frameSize
        for frame in 0..<frames / 2 {
            var damaged = log
            let page = 32 + frame * Self.frameSize + 24
            for place in page..<page + 4_096 { damaged[place] = 0 }
            var spool = try open(damaged)
            let found = try spool.epochs().flatMap { epoch in try spool.all(epoch, priority: 2).map(\.packet) }
            #expect(found.count >= packets.count - 10, "frame \(frame): \(found.count) of \(packets.count)")
            #expect(Set(found).isSubset(of: Set(packets)))
            #expect(!spool.recovery.isEmpty)
            let epochs = try spool.epochs()
            #expect(epochs.contains(epoch), "frame \(frame)")
        }
    }

    @Test("a last commit that is not whole is forgotten, as after a power cut, and that is told")
    func tellsOfTornCommit() throws {
        let (epoch, packets, log) = try killed(commits: 2)
        var damaged = log
        for place in log.count - Self.frameSize - 2_000..<log.count - Self.frameSize { damaged[place] = 0 }
        var spool = try open(damaged)
        guard case .cutLog(let frames)? = spool.recovery.first else {
            Issue.record("recovery is \(spool.recovery)")
            return
        }
        #expect(frames > 1 && spool.recovery.count == 1)
        #expect(try spool.all(epoch, priority: 2).map(\.packet) == Array(packets.prefix(20)))
        #expect(spool.ledger.waiting == 10)
        let kept = try FileManager.default.contentsOfDirectory(atPath: folder.file("spool/set-aside"))
        #expect(kept.count == 1)
    }
}
