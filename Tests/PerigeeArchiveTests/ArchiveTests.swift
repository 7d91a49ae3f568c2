import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeTestSupport
import Testing

/// A folder of one test's own, gone with it.
final class Folder {
    let path = NSTemporaryDirectory() + "perigee-archive-\(UUID().uuidString)"
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func segment(_ number: Int) -> URL { URL(fileURLWithPath: "\(path)/segments/0000000\(number).seg") }
}

func epoch(_ octet: UInt8) throws -> Epoch { try Epoch(bytes: [UInt8](repeating: octet, count: 16)) }

/// The packets of `frames` frames behind their declaration, with numbers from 1.
func records(frames: Int, seed: UInt64 = 1, station: String = "lab") throws -> [ArchiveRecord] {
    var generator = SeededGenerator(seed: seed)
    let stream = StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: 4, columns: 4)
    var packets = [Packet(declaration: 3, body: .declaration(stream))]
    for frame in 0..<frames {
        let layers = [900, 0, 20_000].map { size in (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        packets += Packet.parts(
            of: layers, metadata: FrameMetadata(), frame: UInt64(frame), declaration: 3, stream: stream)
    }
    return try packets.enumerated().map { index, packet in
        ArchiveRecord(
            station: station, epoch: try epoch(1), number: UInt64(index + 1), received: Timestamp(milliseconds: 1_000),
            packet: packet.packed()[...])
    }
}

/// All that a reader can say of an archive.
func listing(_ path: String) throws -> [String] {
    let reader = try ArchiveReader.open(path)
    return try reader.frames().map { frame in "\(frame) \(String(describing: try reader.content(of: frame)))" }
}

@Suite("Archive", .timeLimit(.minutes(10)))
struct ArchiveTests {
    let folder = Folder()

    @Test("a frame comes back with its declaration and its layers")
    func readsBack() throws {
        let records = try records(frames: 3)
        var archive = try Archive(folder.path)
        #expect(try archive.append(records) == records.map { _ in .stored })
        let reader = try ArchiveReader.open(folder.path)
        let frames = try reader.frames()
        #expect(frames.map(\.frameDelta) == [0, 1, 2])
        #expect(frames.map(\.completeLayers) == [3, 3, 3])
        let content = try #require(try reader.content(of: frames[1]))
        #expect(content.layers.map(\.count) == [900, 0, 20_000])
        #expect(content.metadata == FrameMetadata())
        #expect(content.declaration.firmware == 7)
        #expect(try reader.lastChange() == Int64(records.count))
        var filter = FrameFilter()
        filter.changedAfter = frames[1].changed
        #expect(try reader.frames(filter) == [frames[2]])
        filter = FrameFilter()
        filter.station = "other"
        #expect(try reader.frames(filter).isEmpty)
        filter = FrameFilter()
        filter.since = Timestamp(milliseconds: 1_001)
        #expect(try reader.frames(filter).isEmpty)
    }

    @Test("the same packet again is a duplicate, another one under its number a conflict, also within one commit")
    func identities() throws {
        let records = try records(frames: 1)
        var other = records[0]
        other.packet = records[1].packet
        var archive = try Archive(folder.path)
        #expect(try archive.append([records[0], records[0], other]) == [.stored, .duplicate, .conflict])
        #expect(try archive.append([records[0], other]) == [.duplicate, .conflict])
        #expect(try archive.state(station: "lab", epoch: epoch(1), from: 1).numbers == [1..<2])
        #expect(try archive.state(station: "lab", epoch: epoch(2), from: 1) == EpochState())
    }

    @Test("the durable numbers of an epoch are ranges from the lowest asked for")
    func numbers() throws {
        let records = try records(frames: 3)
        var archive = try Archive(folder.path)
        _ = try archive.append([records[0], records[1], records[3], records[5], records[6]])
        var state = try archive.state(station: "lab", epoch: epoch(1), from: 1, newestLimit: 3)
        #expect(state.numbers == [1..<3, 4..<5, 6..<8])
        #expect(state.newest == [4..<5, 6..<8])
        #expect(state.highest?.number == 7)
        #expect(state.highest.map { Hex.text(littleEndian($0.checksum)) } == Hex.text(records[6].packet.suffix(4)))
        state = try archive.state(station: "lab", epoch: epoch(1), from: 2, rangeLimit: 2)
        #expect(state.numbers == [2..<3, 4..<5])
        #expect(state.newest == [2..<3, 4..<5, 6..<8])
    }

    @Test("a part before its declaration waits, and the declaration makes followers see it again")
    func lateDeclaration() throws {
        let records = try records(frames: 1)
        var archive = try Archive(folder.path)
        _ = try archive.append(Array(records[1...]))
        let reader = try ArchiveReader.open(folder.path)
        let before = try #require(try reader.frames().first)
        #expect(!before.hasDeclaration)
        #expect(try reader.content(of: before) == nil)
        _ = try archive.append([records[0]])
        let after = try #require(try reader.frames().first)
        #expect(after.changed > before.changed)
        #expect(try reader.content(of: after)?.completeLayers == 3)
    }

    @Test("layers count up to the first part that is missing")
    func gap() throws {
        let records = try records(frames: 1)  // declaration, layer 0, layer 2 in three parts
        var archive = try Archive(folder.path)
        _ = try archive.append([records[0], records[1], records[2], records[4]])
        let reader = try ArchiveReader.open(folder.path)
        let frame = try #require(try reader.frames().first)
        #expect(frame.completeLayers == 1)
        #expect(try reader.content(of: frame)?.layers.map(\.count).first == 900)
        #expect(try reader.content(of: frame)?.completeLayers == 1)
    }

    @Test("reindexing gives the same index, over several segments")
    func reindex() throws {
        let records = try records(frames: 40)
        do {
            var archive = try Archive(folder.path, segmentLimit: 100_000)
            for start in stride(from: 0, to: records.count, by: 7) {
                _ = try archive.append(Array(records[start..<min(start + 7, records.count)]))
            }
        }
        #expect(FileManager.default.fileExists(atPath: folder.segment(8).path))
        let before = try listing(folder.path)
        #expect(before.count == 40)
        let recovery = try Archive.reindex(folder.path)
        #expect(recovery.indexed == records.count)
        #expect(recovery.damagedSize == 0 && recovery.tornSize == 0)
        #expect(try listing(folder.path) == before)
    }

    @Test(
        "records that the index lacks are found at opening, and a torn end is cut off", arguments: [1, 30, 500, 8_000])
    func recovers(_ torn: Int) throws {
        let records = try records(frames: 2)
        do {
            var archive = try Archive(folder.path)
            _ = try archive.append(Array(records[..<3]))
        }
        // as after a crash between the segment's sync and the index: keep the index, let the segment grow
        let index = URL(fileURLWithPath: "\(folder.path)/index.sqlite")
        let early = try Data(contentsOf: index)
        do {
            var archive = try Archive(folder.path)
            _ = try archive.append(Array(records[3...]))
        }
        try early.write(to: index)
        let whole = try Data(contentsOf: folder.segment(1))
        try whole.dropLast(torn).write(to: folder.segment(1))
        do {
            var archive = try Archive(folder.path)
            let lost = torn <= 8_000 && torn > 4_000 ? 2 : 1
            #expect(archive.recovery.indexed == records.count - 3 - lost)
            #expect(archive.recovery.tornSize > 0 && archive.recovery.damagedSize == 0)
            #expect(try archive.append(records).filter { $0 == .stored }.count == lost)
        }
        #expect(try Data(contentsOf: folder.segment(1)) == whole)
    }

    @Test("one flipped bit costs one record", arguments: 0..<20)
    func flippedBit(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let records = try records(frames: 2)
        do {
            var archive = try Archive(folder.path)
            _ = try archive.append(records)
        }
        var octets = try Data(contentsOf: folder.segment(1))
        octets[Int.random(in: 16..<octets.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        try octets.write(to: folder.segment(1))
        #expect(try Archive.reindex(folder.path).indexed == records.count - 1, "seed \(seed)")
    }

    @Test("a second writer is refused")
    func refused() throws {
        let archive = try Archive(folder.path)
        let error = #expect(throws: ArchiveError.self) { _ = try Archive(folder.path) }
        #expect(error.map { "\($0)".contains("held by another process") } == true)
        _ = consume archive
    }

    @Test("what the renderer found wrong stays with the frame until it is taken back")
    func status() throws {
        var archive = try Archive(folder.path)
        _ = try archive.append(try records(frames: 2))
        let reader = try ArchiveReader.open(folder.path)
        let frame = try #require(try reader.frames().first)
        let status = try FrameStatus(folder.path)
        try status.setUndecodable("firmware 00000007 is not here", frame: frame)
        #expect(try reader.frames().map(\.undecodable) == ["firmware 00000007 is not here", nil])
        try status.setUndecodable(nil, frame: frame)
        #expect(try reader.frames().map(\.undecodable) == [nil, nil])
    }

    @Test("a segment is written as the document spells it")
    func documented() throws {
        do {
            var archive = try Archive(folder.path)
            let record = ArchiveRecord(
                station: "a", epoch: try epoch(0), number: 1, received: Timestamp(milliseconds: 2), packet: [0xFF])
            #expect(try archive.append([record]) == [.stored])
        }
        let octets = try Data(contentsOf: folder.segment(1))
        #expect(
            Hex.text(octets) == "50475345474d4e54" + "01000000" + "01000000" + "1a000000" + "01" + "0161"
                + String(repeating: "00", count: 16) + "01" + "04" + "ff" + "7fda5d0b")
    }
}
