import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeTestSupport
import Testing

private let stream = StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: 4, columns: 4)

/// A declaration, frame 0, frame 1 predicted from it, and frame 2 in place of frame 1, with numbers from 1.
private func predicted() throws -> [ArchiveRecord] {
    var (second, third) = (FrameMetadata(), FrameMetadata())
    second.references = .init(frames: [.init(back: 1, layers: 2)], hash: 3)
    third.replaces = .earlier(back: 1)
    let parts = [FrameMetadata(), second, third].enumerated().flatMap { number, metadata in
        Packet.parts(of: [[1], [2]], metadata: metadata, frame: UInt64(number), declaration: 1, stream: stream)
    }
    let packets = [Packet(declaration: 1, body: .declaration(stream))] + parts
    return try packets.enumerated().map { index, packet in
        ArchiveRecord(
            station: "lab", epoch: try epoch(1), number: UInt64(index + 1), received: Timestamp(milliseconds: 1),
            packet: packet.packed()[...])
    }
}

@Suite("Predictions in the archive", .timeLimit(.minutes(10)))
struct PredictionTests {
    let folder = Folder()

    @Test("the feed says what a frame was predicted from or replaces, once part 0 and declaration are here")
    func feed() throws {
        let records = try predicted()
        var archive = try Archive(folder.path)
        _ = try archive.append(records.filter { ![1, 6].contains($0.number) })
        var reader = try PredictionReader(folder.path)
        let before = try reader.changed(after: 0, limit: 10)
        #expect(before.frames == [] && before.cursor == 5)
        _ = try archive.append(records.filter { $0.number == 1 })
        let (frames, cursor) = try reader.changed(after: before.cursor, limit: 10)
        #expect(frames.map(\.number) == [0, 1] && frames.map(\.layers) == [2, 2])
        #expect(frames.last?.references?.frames == [.init(back: 1, layers: 2)])
        _ = try archive.append(records)
        let last = try reader.changed(after: cursor, limit: 10)
        #expect(last.frames.map(\.number) == [2] && last.frames.first?.replaces == .earlier(back: 1))
        #expect(try reader.frame(station: "lab", epoch: epoch(1), number: 1) == frames.last)
        #expect(try reader.frame(station: "lab", epoch: epoch(1), number: 3) == nil)
        #expect(try reader.frame(station: "lab", epoch: epoch(2), number: 1) == nil)
        #expect(try reader.changed(after: 0, limit: 1).frames.count == 1)
    }

    @Test("a frame whose part 0 is damaged on the disk is as if it were not here")
    func damaged() throws {
        var archive: Archive? = try Archive(folder.path)
        _ = try archive?.append(try predicted())
        archive = nil
        let path = folder.segment(1).path
        var octets = try Data(contentsOf: URL(fileURLWithPath: path))
        let packet = Data(try predicted()[3].packet)
        let place = try #require(octets.range(of: packet))
        octets[place.lowerBound + 4] ^= 0xFF
        try octets.write(to: URL(fileURLWithPath: path))
        var reader = try PredictionReader(folder.path)
        #expect(try reader.frame(station: "lab", epoch: epoch(1), number: 1) == nil)
        #expect(try reader.changed(after: 0, limit: 10).frames.map(\.number) == [0, 2])
    }

    @Test("what waits comes back, and what was seen counts for this index alone")
    func table() throws {
        var archive: Archive? = try Archive(folder.path)
        _ = try archive?.append(try predicted())
        archive = nil
        var reader = try PredictionReader(folder.path)
        var one = WaitingFrame(station: "lab", epoch: try epoch(1), number: 1 << 61, reason: .waitingForReference)
        one.hasAskedReference = true
        one.open = [.reference(number: 7, layers: 15), .plain(number: 9)]
        var two = WaitingFrame(station: "lab", epoch: try epoch(1), number: 2, reason: .referenceDiffers)
        two.hasAskedPlain = true
        do {
            let table = try WaitingTable(folder.path)
            #expect(try table.seen(in: reader) == 0)
            try table.write(two)
            try table.write(one)
            try table.see(5, in: reader)
            for _ in 0..<2 { try table.replace(station: "lab", epoch: epoch(1), number: 3) }
        }
        let table = try WaitingTable(folder.path)
        #expect(try table.frames().sorted { $0.number < $1.number } == [two, one])
        #expect(try table.seen(in: reader) == 5)
        #expect(try table.replaced().map(\.number) == [3])
        try table.remove(station: "lab", epoch: epoch(1), number: 2)
        #expect(try table.frames() == [one])
        // the archive is made anew from other packets
        try FileManager.default.removeItem(atPath: folder.path + "/index.sqlite")
        try FileManager.default.removeItem(at: folder.segment(1))
        var other: Archive? = try Archive(folder.path)
        _ = try other?.append(try records(frames: 3))
        other = nil
        reader = try PredictionReader(folder.path)
        #expect(try table.seen(in: reader) == 0)
    }
}
