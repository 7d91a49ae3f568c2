import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("Recovery of an archive", .timeLimit(.minutes(10)))
struct RecoveryTests {
    let folder = Folder()

    private func fill(segmentLimit: Int = Archive.segmentSizeLimit) throws -> [ArchiveRecord] {
        let records = try records(frames: 8)
        var archive = try Archive(folder.path, segmentLimit: segmentLimit)
        for start in stride(from: 0, to: records.count, by: 5) {
            _ = try archive.append(Array(records[start..<min(start + 5, records.count)]))
        }
        return records
    }

    private var index: URL { URL(fileURLWithPath: "\(folder.path)/index.sqlite") }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder.path)/\(name)") }

    @Test("an index that is damaged anywhere is made anew, and the archive goes on", arguments: 0..<20)
    func damagedIndex(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let records = try fill()
        let before = try listing(folder.path)
        var octets = try Data(contentsOf: index)
        switch seed % 4 {
        case 0: octets = Data(repeating: 0x55, count: octets.count)
        case 1: octets.replaceSubrange(0..<4_096, with: Data(count: 4_096))
        case 2: octets = octets.prefix(.random(in: 1..<octets.count, using: &generator))
        default:
            let page = 4_096 * Int.random(in: 0..<octets.count / 4_096, using: &generator)
            octets.replaceSubrange(page..<page + 4_096, with: Data(repeating: 0xAA, count: 4_096))
        }
        try octets.write(to: index)
        // Damage that opening does not touch shows in use, and is mended by the opening behind it.
        func use() throws -> [Archive.Outcome] {
            var archive = try Archive(folder.path)
            return try archive.append(records)
        }
        let outcomes = try (try? use()) ?? use()
        #expect(outcomes == records.map { _ in .duplicate }, "seed \(seed)")
        if (try? listing(folder.path)) != before { _ = try Archive.reindex(folder.path) }
        #expect(try listing(folder.path) == before, "seed \(seed)")
    }

    @Test(
        "a segment that is gone, or shorter than the index says, is told, and its numbers are holes",
        arguments: [0, 40_000])
    func lostSegment(_ size: Int) throws {
        let records = try fill(segmentLimit: 60_000)
        #expect(FileManager.default.fileExists(atPath: folder.segment(3).path))
        let octets = try Data(contentsOf: folder.segment(2))
        if size == 0 {
            try FileManager.default.removeItem(at: folder.segment(2))
        } else {
            try octets.prefix(size).write(to: folder.segment(2))
        }
        var archive = try Archive(folder.path, segmentLimit: 60_000)
        #expect(archive.recovery.lostSize == octets.count - size)
        #expect(archive.recovery.rebuilt != nil)
        #expect(exists("index.lost.sqlite"))
        let lost = try ArchiveReader.open(folder.path).gaps()[0].count(.unexplained)
        #expect(lost > 0 && Int(lost) < records.count)
        // what the station sends again is stored again
        #expect(try archive.append(records).filter { $0 == .stored }.count == Int(lost))
        _ = consume archive
        #expect(try Archive(folder.path).recovery == Archive.Recovery())
    }

    @Test("a damaged header costs its own octets", arguments: [0, 8, 12])
    func damagedHeader(_ offset: Int) throws {
        let records = try fill()
        var octets = try Data(contentsOf: folder.segment(1))
        octets[offset] ^= 2
        try octets.write(to: folder.segment(1))
        #expect(try !Archive.verify(folder.path).isSound)
        let recovery = try Archive.reindex(folder.path)
        #expect(recovery.damagedSize == 16 && recovery.indexed == records.count)
        #expect(try Archive(folder.path).recovery.rebuilt == nil)
    }

    @Test("a segment of a later version is refused with a remedy")
    func laterVersion() throws {
        _ = try Archive(folder.path)
        var octets = try Data(contentsOf: folder.segment(1))
        octets[8] = 2
        try (octets + Data(repeating: 7, count: 500)).write(to: folder.segment(1))
        let error = #expect(throws: ArchiveError.self) { _ = try Archive(folder.path) }
        #expect(error.map { "\($0)".contains("use the newer program") } == true)
    }
}
