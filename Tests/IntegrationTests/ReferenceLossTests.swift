import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// The first segment of an archive, which is changed while no gateway runs; its index is made anew from it.
private struct ChangedSegment {
    private let archive: String
    private let head: [UInt8]
    /// What stands before each packet, from the kind of its record on.
    private var records: [(head: [UInt8], packet: [UInt8])] = []

    init(_ archive: String) throws {
        self.archive = archive
        let octets = try Array(Data(contentsOf: URL(filePath: archive + "/segments/00000001.seg")))
        head = Array(octets.prefix(16))
        var reader = ByteReader(octets.dropFirst(16))
        while reader.remaining > 0 {
            let size = Int(try reader.read("record size", as: UInt32.self))
            let record = try reader.read("record", count: size).dropLast(4)
            var body = ByteReader(record)
            _ = try body.read("kind", as: UInt8.self)
            _ = try body.readText("station", limit: 32)
            _ = try body.read("epoch", count: Epoch.size)
            _ = try body.readVarint("number")
            _ = try body.readSignedVarint("received")
            let packet = body.readRest()
            records.append((Array(record.dropLast(packet.count)), Array(packet)))
        }
    }

    /// Leaves the packets of frames out, and keeps their declarations.
    mutating func loseFrames() {
        records.removeAll { record in
            if case .part? = try? Packet(parsing: record.packet[...]).body { true } else { false }
        }
    }

    /// Another picture under the name of the last packet of a frame, by its count from the declaration, whole as far as any checksum tells.
    mutating func changeLast(ofFrame frame: UInt64) throws {
        let last = try #require(
            records.lastIndex { record in
                guard case .part(let part)? = try? Packet(parsing: record.packet[...]).body else { return false }
                return part.frameDelta == frame
            })
        var packet = try Packet(parsing: records[last].packet[...])
        guard case .part(var part) = packet.body else {
            Issue.record("the last packet is a declaration")
            return
        }
        var content = Array(part.content)
        for index in content.count / 2..<content.count { content[index] ^= 0x5A }
        part.content = content[...]
        packet.body = .part(part)
        records[last].packet = packet.packed()
    }

    /// One packet more under the number after the last, of a frame that nobody sent: another history of the epoch.
    mutating func forge() throws {
        let last = try #require(records.last)
        var head = ByteReader(last.head[...])
        var writer = ByteWriter()
        writer.write(try head.read("kind", as: UInt8.self))
        writer.writeText(try head.readText("station", limit: 32))
        writer.write(try head.read("epoch", count: Epoch.size))
        writer.writeVarint(try head.readVarint("number") + 1)
        writer.writeSignedVarint(try head.readSignedVarint("received"))
        var packet = try Packet(parsing: last.packet[...])
        guard case .part(var part) = packet.body else {
            Issue.record("the last packet is a declaration")
            return
        }
        part.frameDelta += 50
        packet.body = .part(part)
        records.append((writer.bytes, packet.packed()))
    }

    func write() throws {
        var octets = head
        for record in records {
            let body = record.head + record.packet
            var writer = ByteWriter()
            writer.write(UInt32(body.count + 4))
            writer.write(body)
            octets += writer.bytes
            var tail = ByteWriter()
            tail.write(CRC32C.checksum(writer.bytes))
            octets += tail.bytes
        }
        try Data(octets).write(to: URL(filePath: archive + "/segments/00000001.seg"))
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: archive + "/index.sqlite" + suffix)
        }
    }
}

@Suite(
    "References that are lost or differ, through the real programs",
    .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"), .timeLimit(.minutes(10)))
struct ReferenceLossTests {
    private let dates = ["20210301", "20210401"]

    private func path(_ date: String) -> String { SharedData.path("worldcereal-monthly/wc-be4_\(date).tif") }

    private func publish(_ daemons: Daemons, _ date: String) throws {
        try Programs.succeed("publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(date))
    }

    /// Daemons whose gateway has the first date, and then loses its life.
    private func begin() async throws -> Daemons {
        let daemons = try Daemons(target: "300x")
        try daemons.startGateway()
        try daemons.startStation()
        try publish(daemons, dates[0])
        try await daemons.waitForDelivery(1)
        daemons.killGateway()
        return daemons
    }

    /// Best quality of any product for each date: that of the same date is the nearest one.
    private func qualities(_ daemons: Daemons) throws -> [Double] {
        let products = daemons.folder.file("products")
        try Programs.succeed("render", "--archive", daemons.archive, "-o", products)
        let rasters = try #require(FileManager.default.enumerator(atPath: products)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".tif") }
        return try dates.map { date in
            try rasters.map { name in
                try Programs.succeed(
                    "compare", "--json", "--sensor", "sentinel-2-l2a", path(date), "\(products)/\(name)"
                ).json()["psnr"]?.double ?? 0
            }.max() ?? 0
        }
    }

    @Test("an archive that lost what a frame was predicted from gets it once more, and both frames are whole")
    func lost() async throws {
        let daemons = try await begin()
        var segment = try ChangedSegment(daemons.archive)
        segment.loseFrames()
        try segment.write()
        try daemons.startGateway()
        try publish(daemons, dates[1])
        try await daemons.waitForGateway("the reference") { $0["references"]?["fetched"]?.int == 1 }
        try await daemons.wait("what it resent") { $0["history"]?["resent"]?.int == 1 }
        #expect(daemons.status?["history"]?["predicted"]?.int == 1)
        #expect(daemons.status?["history"]?["encoded_again"]?.int == 0)
        #expect(daemons.stopStation() == 0)
        #expect(try qualities(daemons).allSatisfy { $0 > 30 })
    }

    @Test("a frame whose reference is another one in the archive comes without, when it is wanted plain")
    func differs() async throws {
        let daemons = try await begin()
        try daemons.startGateway()
        try publish(daemons, dates[1])
        try await daemons.waitForDelivery(2)
        #expect(daemons.status?["history"]?["predicted"]?.int == 1)
        daemons.killGateway()
        // not the last packet of the archive, by which a station knows its own
        var segment = try ChangedSegment(daemons.archive)
        try segment.changeLast(ofFrame: 0)
        try segment.write()
        try daemons.startGateway()
        let before = try qualities(daemons)
        #expect(before[1] < 25, "a frame that cannot be decoded is no picture")
        try Programs.succeed("archive", "want", "--station", "test", "--frame", "1", "--plain", daemons.archive)
        try await daemons.waitForGateway("the frame without references") { ($0["wants"]?["done"]?.int ?? 0) > 0 }
        try await daemons.wait("what it encoded") { ($0["history"]?["encoded_again"]?.int ?? 0) > 0 }
        #expect(daemons.stopStation() == 0)
        #expect(try qualities(daemons)[1] > 30)
    }

    @Test("a predicted frame that waits when the epoch forks comes without references")
    func fork() async throws {
        let daemons = try await begin()
        let epoch = daemons.status?["epoch"]
        try publish(daemons, dates[1])
        try await daemons.wait("a predicted frame") { $0["history"]?["predicted"]?.int == 1 }
        var segment = try ChangedSegment(daemons.archive)
        try segment.forge()
        try segment.write()
        try daemons.startGateway()
        try await daemons.waitForGateway("the frame without references") { $0["references"]?["replaced"]?.int == 1 }
        try await daemons.wait("what it encoded") { $0["history"]?["encoded_again"]?.int == 1 }
        #expect(daemons.status?["epoch"] != epoch)
        // it was received once more
        try await daemons.wait("delivery") { $0["ledger"]?["delivered"]?.int == 3 }
        #expect(daemons.status?["ledger"]?["received"]?.int == 3)
        #expect(daemons.stopStation() == 0)
        #expect(try qualities(daemons)[1] > 30)
    }
}
