import Foundation
import PerigeeCore
import PerigeeSQLite
import PerigeeSpool
import PerigeeTestSupport
import Testing

/// Every way to hurt the files: the spool opens, gives the packets that were not hit, and names the numbers of the others.
@Suite("Damage", .timeLimit(.minutes(10)))
struct SpoolDamageTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A kind of harm, at a place that a generator chooses.
    enum Harm: String, CaseIterable, Sendable {
        case bit, zeroPage, truncate, garbagePage, firstPage

        func strike(_ octets: inout [UInt8], _ random: inout SeededGenerator) {
            let page = Int.random(in: 0..<max(1, octets.count / 4_096), using: &random) * 4_096
            let end = min(page + 4_096, octets.count)
            switch self {
            case .bit:
                octets[Int.random(in: 0..<octets.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case .zeroPage: for index in page..<end { octets[index] = 0 }
            case .garbagePage: for index in page..<end { octets[index] = UInt8.random(in: 0...255, using: &random) }
            case .firstPage: for index in 0..<4_096 { octets[index] = 0 }
            case .truncate: octets.removeLast(octets.count - max(page, 1))
            }
        }
    }

    @Test(
        "a damaged file opens, other packets come, and each missing number is explained", arguments: Harm.allCases,
        seeds(usual: 8))
    func survives(harm: Harm, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 31 &+ 7)
        let (epoch, given) = try fill(&random, checkpoints: true)
        try strike(harm, "spool.db", &random)
        try expectRest(epoch, given, "\(harm) seed \(seed)", harm)
    }

    @Test(
        "a damaged log loses what its frame held, not the commits behind it",
        arguments: [Harm.bit, .zeroPage, .firstPage], seeds(usual: 8))
    func mendsLog(harm: Harm, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 17 &+ 3)
        let (epoch, given) = try fill(&random, checkpoints: false, image: "image")
        try FileManager.default.removeItem(atPath: folder.file("spool"))
        try FileManager.default.moveItem(atPath: folder.file("image"), toPath: folder.file("spool"))
        try strike(harm, "spool.db-wal", &random)
        try expectRest(epoch, given, "\(harm) seed \(seed)", harm)
    }

    @Test(
        "a frame whose row is damaged counts as dropped when its packets are settled; they are sent all the same",
        arguments: [0, 1 << 20])
    func settlesDamagedFrames(sentRing: Int) throws {
        var configuration = smallConfiguration()
        configuration.sentRing = sentRing
        var spool = try openSpool(folder, configuration)
        for number in 0..<4 {
            _ = try spool.append(frame(UInt64(number), sizes: [[30], [20]], label: "cam-\(number)"))
        }
        try spool.commit()
        let epoch = spool.epoch
        _ = consume spool
        let url = URL(filePath: folder.file("spool/spool.db"))
        var octets = [UInt8](try Data(contentsOf: url))
        for number in [0, 2] {
            let range = try #require(octets.firstRange(of: Array("cam-\(number)".utf8)))
            octets[range.lowerBound] ^= 4
        }
        try Data(octets).write(to: url)
        spool = try openSpool(folder, configuration)
        #expect(spool.recovery == [])
        #expect(try spool.all(epoch, priority: 2).count == 8)
        let settled = try spool.settle(epoch, cumulative: 8).frames
        try spool.commit()
        #expect(
            settled.map(\.fate) == [
                .dropped(.damaged), .delivered(thinned: false), .dropped(.damaged), .delivered(thinned: false),
            ])
        #expect(settled.map(\.label) == ["", "cam-1", "", "cam-3"])
        #expect(spool.counters.damaged == 2)
        #expect(spool.ledger.waiting == 0 && spool.ledger.dropped == [.damaged: 2] && spool.ledger.delivered == 2)
        try spool.maintain(now: start)
    }

    @Test("setting aside that a process ended in between is finished: the file follows its log, and both are salvaged")
    func finishesSettingAside() throws {
        var random = SeededGenerator(seed: 11)
        let (epoch, given) = try fill(&random, checkpoints: false, image: "image")
        let files = FileManager.default
        try files.removeItem(atPath: folder.file("spool"))
        try files.moveItem(atPath: folder.file("image"), toPath: folder.file("spool"))
        let aside = folder.file("spool/set-aside/then")
        try files.createDirectory(atPath: aside, withIntermediateDirectories: true)
        try files.moveItem(atPath: folder.file("spool/spool.db-wal"), toPath: aside + "/spool.db-wal")
        try Data("then".utf8).write(to: URL(filePath: folder.file("spool/salvage")))
        var spool = try openSpool(folder)
        for _ in 0..<8 { try spool.maintain(now: start) }
        #expect(try read(&spool, epoch) == given)
    }

    @Test("frames that are found in a file whose ledger is lost count as received, so that the ledger closes")
    func closesLostLedger() throws {
        var spool = try openSpool(folder)
        for number in 0..<4 { _ = try spool.append(frame(UInt64(number), sizes: [[30], [20]])) }
        var totals = IntakeTotals()
        totals.received = 4
        try spool.commit(intake: totals)
        #expect(spool.ledger.isBalanced)
        _ = consume spool
        try forgetLedger()
        try Data("a test".utf8).write(to: URL(filePath: folder.file("spool/damaged")))
        spool = try openSpool(folder)
        for _ in 0..<8 { try spool.maintain(now: start) }
        #expect(spool.ledger.waiting == 4 && spool.ledger.spooled == 4 && spool.ledger.intake.received == 4)
        #expect(spool.ledger.isBalanced)
    }

    private func forgetLedger() throws {
        let file = try Database(folder.file("spool/spool.db"), access: .write)
        try file.execute("DELETE FROM ledger")
    }

    @Test("a log that a power cut stopped in its last write is not mended: its last commit was told to nobody")
    func leavesTornLog() throws {
        var random = SeededGenerator(seed: 5)
        let (epoch, given) = try fill(&random, checkpoints: false, image: "image")
        try FileManager.default.removeItem(atPath: folder.file("spool"))
        try FileManager.default.moveItem(atPath: folder.file("image"), toPath: folder.file("spool"))
        let url = URL(filePath: folder.file("spool/spool.db-wal"))
        var octets = [UInt8](try Data(contentsOf: url))
        for place in 0..<512 { octets[octets.count - 2 * 4_120 + 1_024 + place] = 0 }
        try Data(octets).write(to: url)
        var spool = try openSpool(folder)
        #expect(!spool.recovery.contains { if case .mendedLog = $0 { true } else { false } })
        let found = try read(&spool, epoch)
        // The settling was the last commit: undone, so that everything is there.
        #expect(found.count == 500)
        for (number, packet) in given { #expect(found[number] == packet) }
    }

    private func strike(_ harm: Harm, _ name: String, _ random: inout SeededGenerator) throws {
        let url = URL(filePath: folder.file("spool/\(name)"))
        var octets = [UInt8](try Data(contentsOf: url))
        harm.strike(&octets, &random)
        try Data(octets).write(to: url)
        let handle = try FileHandle(forWritingTo: url)
        try handle.synchronize()
    }

    /// A spool of frames of all sizes, some settled; what it must still hold.
    private func fill(
        _ random: inout SeededGenerator, checkpoints: Bool, image: String? = nil
    ) throws -> (Epoch, [UInt64: [UInt8]]) {
        var configuration = smallConfiguration()
        configuration.sentRing = 1 << 20
        // With a large ballast the log may be long; without `maintain` none is written.
        if image != nil { configuration.ballast = 64 << 20 }
        var spool = try openSpool(folder, configuration)
        var given: [UInt64: [UInt8]] = [:]
        for number in 0..<250 {
            let sizes = [[Int.random(in: 50...6_000, using: &random)], [Int.random(in: 50...8_000, using: &random)]]
            let frame = frame(UInt64(number), priority: number % 3 + 1, sizes: sizes)
            let numbers = try #require(try spool.append(frame))
            for (number, packet) in zip(numbers, frame.layers.flatMap { $0 }) { given[number] = packet }
            if number % 20 == 19 { try spool.commit() }
        }
        try spool.commit()
        _ = try spool.settle(spool.epoch, cumulative: 60, ranges: [100..<120])
        try spool.commit()
        for number in given.keys where number <= 60 || (100..<120).contains(number) { given[number] = nil }
        if checkpoints {
            try spool.maintain(now: start)
            try spool.maintain(now: Timestamp(milliseconds: start.milliseconds + 40_000))
        }
        // What a kill would leave.
        if let image { try FileManager.default.copyItem(atPath: folder.file("spool"), toPath: folder.file(image)) }
        return (spool.epoch, given)
    }

    private func expectRest(
        _ epoch: Epoch, _ given: [UInt64: [UInt8]], _ comment: Comment, _ harm: Harm
    ) throws {
        var spool = try openSpool(folder)
        var found: [UInt64: [UInt8]] = [:]
        // Damage that a read meets asks for opening anew, once.
        do { found = try read(&spool, epoch) } catch let error as SpoolError {
            guard case .damaged = error else { throw error }
            _ = consume spool
            spool = try openSpool(folder)
            found = try read(&spool, epoch)
        }
        for (number, packet) in found where given[number] != nil { #expect(packet == given[number], comment) }
        let missing = Set(given.keys).subtracting(found.keys)
        try spool.maintain(now: start)
        let state = try spool.state(epoch)
        let buried = Set(state.tombstones.flatMap { Array($0.numbers) })
        #expect(missing.isSubset(of: buried) || state.isLost || state.tombstones.count == 64, comment)
        if harm == .bit { #expect(missing.count <= 40, comment) }
        if harm == .firstPage { #expect(missing.count <= 2, comment) }
        if harm != .truncate { #expect(missing.count <= 60, comment) }
        #expect(missing.isEmpty || spool.counters.damaged > 0 || state.isLost, comment)
        // It works: a new frame is stored under the current epoch.
        #expect(try spool.append(frame(spool.nextFrame)) != nil, comment)
        try spool.commit()
        let ledger = spool.ledger
        #expect(
            ledger.spooled == ledger.delivered + ledger.waiting + ledger.droppedTotal + ledger.quarantined, comment)
    }

    private func read(_ spool: inout Spool, _ epoch: Epoch) throws -> [UInt64: [UInt8]] {
        var found: [UInt64: [UInt8]] = [:]
        for priority in 0..<4 {
            for packet in try spool.all(epoch, priority: priority) { found[packet.number] = packet.packet }
        }
        try spool.commit()
        return found
    }
}
