import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeTestSupport
import Testing

func littleEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

func tombstone(
    _ numbers: Range<UInt64>, _ reason: TombstoneReason = .quota, station: String = "lab", epoch octet: UInt8 = 1
) throws -> TombstoneRecord {
    TombstoneRecord(
        station: station, epoch: try epoch(octet), received: Timestamp(milliseconds: 2_000),
        tombstone: Tombstone(
            numbers: numbers, reason: reason, frames: 2, size: 300, first: Timestamp(milliseconds: -5),
            last: Timestamp(milliseconds: 7)))
}

/// Holes as text: `3-5 quota`, `8-8 waiting`.
func holes(_ path: String) throws -> [[String]] {
    try ArchiveReader.open(path).gaps().map { gaps in
        gaps.holes.map { hole in
            let cause =
                switch hole.cause {
                case .tombstone(let reason): "\(reason)"
                case .waiting: "waiting"
                case .unexplained: "unexplained"
                }
            return "\(hole.numbers.lowerBound)-\(hole.numbers.upperBound - 1) \(cause)"
        }
    }
}

@Suite("Tombstones", .timeLimit(.minutes(10)))
struct TombstoneTests {
    let folder = Folder()

    @Test("a tombstone is durable, counts as numbers that are settled, and explains its hole")
    func explains() throws {
        let records = try records(frames: 4)  // 17 packets
        var archive = try Archive(folder.path)
        let kept = records.filter { ![4, 5, 6, 9, 12].contains($0.number) }
        _ = try archive.append(kept, tombstones: [try tombstone(4..<7), try tombstone(12..<13, .damaged)])
        let state = try archive.state(station: "lab", epoch: epoch(1), from: 11)
        #expect(state.numbers == [11..<18])
        #expect(try holes(folder.path) == [["4-6 quota", "9-9 unexplained", "12-12 damaged"]])
        let gaps = try #require(try ArchiveReader.open(folder.path).gaps(station: "lab").first)
        #expect(gaps.packets == 12 && gaps.highest == 17 && gaps.lowest == 11)
        #expect(gaps.buriedCount == 4 && gaps.count(.unexplained) == 1 && gaps.count(.waiting) == 0)
        #expect(gaps.tombstones == [try tombstone(4..<7).tombstone, try tombstone(12..<13, .damaged).tombstone])
        #expect(try ArchiveReader.open(folder.path).gaps(station: "other").isEmpty)
    }

    @Test("what the station still holds is waiting, not lost; a tombstone may reach above all packets")
    func waiting() throws {
        let records = try records(frames: 2)
        var archive = try Archive(folder.path)
        _ = try archive.append([records[0], records[5]], tombstones: [try tombstone(20..<25, .lost)])
        _ = try archive.state(station: "lab", epoch: epoch(1), from: 4)
        #expect(
            try holes(folder.path) == [["2-3 unexplained", "4-5 waiting", "7-19 waiting", "20-24 lost"]])
        _ = try archive.state(station: "lab", epoch: epoch(1), from: 2)  // never goes back
        #expect(try ArchiveReader.open(folder.path).gaps().first?.lowest == 4)
    }

    @Test("the same tombstone again adds nothing; a packet wins over one that covers it")
    func repeated() throws {
        let records = try records(frames: 1)
        var archive = try Archive(folder.path)
        let one = try tombstone(1..<4)
        _ = try archive.append([], tombstones: [one])
        let size = try Data(contentsOf: folder.segment(1)).count
        #expect(try archive.append([], tombstones: [one, one]) == [])
        #expect(try Data(contentsOf: folder.segment(1)).count == size)
        #expect(try archive.append([records[1]]) == [.stored])
        #expect(try holes(folder.path) == [["1-1 quota", "3-3 quota"]])
        _ = try archive.append([], tombstones: [try tombstone(3..<10, .expired)])
        #expect(try holes(folder.path) == [["1-1 quota", "3-3 quota", "4-9 expired"]])
    }

    @Test("reindexing finds tombstones again, verification counts them")
    func reindex() throws {
        let records = try records(frames: 3)
        do {
            var archive = try Archive(folder.path, segmentLimit: 30_000)
            for record in records where record.number != 5 { _ = try archive.append([record]) }
            _ = try archive.append([], tombstones: [try tombstone(5..<6, .discarded), try tombstone(90..<99)])
        }
        let before = try holes(folder.path)
        #expect(before == [["5-5 discarded", "14-89 unexplained", "90-98 quota"]])
        let sound = try Archive.verify(folder.path)
        #expect(sound.isSound && sound.records == records.count - 1 && sound.tombstones == 2)
        #expect(try Archive.reindex(folder.path).indexed == records.count + 1)
        #expect(try holes(folder.path) == before)
    }

    @Test("a tombstone is written as the document spells it")
    func documented() throws {
        do {
            var archive = try Archive(folder.path)
            let record = TombstoneRecord(
                station: "a", epoch: try epoch(0), received: Timestamp(milliseconds: 2),
                tombstone: Tombstone(
                    numbers: 3..<8, reason: .quota, frames: 1, size: 300, first: Timestamp(milliseconds: 1),
                    last: Timestamp(milliseconds: 2)))
            _ = try archive.append([], tombstones: [record])
        }
        let octets = try Data(contentsOf: folder.segment(1)).dropFirst(16)
        let checksum = littleEndian(CRC32C.checksum(Array(octets.dropLast(4))[...]))
        #expect(
            Hex.text(octets) == "2000000002" + "0161" + String(repeating: "00", count: 16) + "0304" + "050101ac020204"
                + Hex.text(checksum))
    }
}
