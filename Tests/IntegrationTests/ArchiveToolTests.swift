import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeJSON
import Testing

extension JSONValue {
    fileprivate var items: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }
}

@Suite("perigee archive", .timeLimit(.minutes(10)))
struct ArchiveToolTests {
    private let folder = NSTemporaryDirectory() + "perigee-archive-tool-\(UUID().uuidString)"

    /// A declaration with base frame 100, and frames of two layers: numbers 1, then 2 and 3, 4 and 5, …
    private func records(frames: Int) throws -> [ArchiveRecord] {
        var stream = StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: 4, columns: 4)
        stream.baseFrame = 100
        var packets = [Packet(declaration: 3, body: .declaration(stream))]
        for frame in 0..<frames {
            packets += Packet.parts(
                of: [[1, 2, 3], [UInt8(truncatingIfNeeded: frame)]], metadata: FrameMetadata(),
                frame: UInt64(100 + frame), declaration: 3, stream: stream)
        }
        let epoch = try Epoch(bytes: [UInt8](repeating: 5, count: 16))
        return packets.enumerated().map { index, packet in
            ArchiveRecord(
                station: "lab", epoch: epoch, number: UInt64(index + 1), received: Timestamp(milliseconds: 1_000),
                packet: packet.packed()[...])
        }
    }

    @Test("every frame and every packet is listed as JSON, also beyond the limit of the table")
    func lists() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let records = try records(frames: 1_200)
        var archive = try Archive(folder)
        _ = try archive.append(records)
        let frames = try #require(try Programs.succeed("archive", "list", "--json", folder).json()["frames"]?.items)
        let isComplete = frames.compactMap { $0["frame"]?.int } == Array(100..<1_300)
        #expect(isComplete)
        #expect(frames.allSatisfy { $0["complete_layers"]?.int == 2 })
        let packets = try #require(
            try Programs.succeed("archive", "list", "--packets", "--json", folder).json()["packets"]?.items)
        let hasAllNumbers = packets.compactMap { $0["number"]?.int } == Array(1...records.count)
        #expect(hasAllNumbers)
        let checksums = records.map { Hex.text(Array($0.packet.suffix(4).reversed())) }
        let hasAllChecksums = packets.map { $0["crc"] } == checksums.map { .string($0) }
        #expect(hasAllChecksums)
        #expect(try Programs.perigee(["archive", "list", "--packets", folder]).code == 64)
        #expect(try Programs.succeed("archive", "list", folder).output.split(separator: "\n").count <= 1_002)
    }

    @Test("holes are listed with their cause, and unexplained ones change the exit code")
    func gaps() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let records = try records(frames: 5)
        var archive = try Archive(folder)
        let tombstone = Tombstone(
            numbers: 4..<6, reason: .quota, frames: 1, size: 30, first: Timestamp(milliseconds: 1),
            last: Timestamp(milliseconds: 2))
        _ = try archive.append(
            records.filter { ![4, 5, 9].contains($0.number) },
            tombstones: [
                TombstoneRecord(
                    station: "lab", epoch: records[0].epoch, received: Timestamp(milliseconds: 3), tombstone: tombstone)
            ])
        let result = try Programs.perigee(["archive", "gaps", "--json", folder])
        #expect(result.code == 1)
        let epoch = try #require(try result.json()["epochs"]?.items?.first)
        #expect(epoch["packets"]?.int == 8 && epoch["highest"]?.int == 11)
        #expect(epoch["buried"]?.int == 2 && epoch["unexplained"]?.int == 1 && epoch["waiting"]?.int == 0)
        #expect(epoch["holes"]?.items?.map { $0["why"] } == [.string("quota"), .string("unexplained")])
        #expect(epoch["tombstones"]?.items?.first?["frames"]?.int == 1)
        #expect(try Programs.perigee(["archive", "gaps", folder]).output.contains("unexplained"))
        _ = try archive.append(records)
        #expect(try Programs.succeed("archive", "gaps", folder).output.contains("all here"))
    }

    @Test("a want is left for the gateway, under the epoch that has the frame, and listed")
    func wants() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let records = try records(frames: 3)
        var archive = try Archive(folder)
        _ = try archive.append(records)
        _ = consume archive
        let frame = ["archive", "want", "--station", "lab", "--frame", "101", "--layers", "9", folder]
        let epoch = records[0].epoch.text
        #expect(try Programs.perigee(frame).output.hasSuffix(" lab \(epoch) frame 101, 9 layers\n"))
        let numbers = ["archive", "want", "--station", "lab", "--epoch", "0505", "--numbers", "3-5,9", folder]
        #expect(try Programs.perigee(numbers).code == 0)
        let list = try #require(try Programs.succeed("archive", "wants", "--json", folder).json()["wants"]?.items)
        #expect(list.map { $0["state"] } == [.string("open"), .string("open")])
        #expect(
            list.contains { $0["subject"] == .string("frame 101, 9 layers") }
                && list.contains { $0["subject"] == .string("numbers 3-5,9") })
        #expect(try Programs.succeed("archive", "wants", folder).output.contains("numbers 3-5,9"))
    }

    @Test(
        "a want that means nothing is refused with a remedy",
        arguments: [
            (["--station", "lab"], 64, "give --frame with --layers or --plain, or --numbers"),
            (["--station", "lab", "--frame", "1"], 64, "give --frame with --layers or --plain, or --numbers"),
            (["--station", "lab", "--frame", "1", "--layers", "2", "--numbers", "1"], 64, "give --frame"),
            (["--station", "lab", "--numbers", "5-3"], 64, "--numbers is \"5-3\""),
            (["--station", "La b", "--numbers", "5"], 64, "--station is"),
            (["--station", "other", "--numbers", "5"], 69, "no such epoch of station other"),
            (["--station", "lab", "--epoch", "77", "--numbers", "5"], 69, "no such epoch"),
        ])
    func badWants(_ words: [String], _ code: Int32, _ text: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var archive = try Archive(folder)
            _ = try archive.append(try records(frames: 1))
        }
        let outcome = try Programs.perigee(["archive", "want"] + words + [folder])
        #expect(outcome.code == code && outcome.errors.contains(text), "\(outcome.errors)")
    }
}
