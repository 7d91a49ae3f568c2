import Foundation
import PerigeeCompression
import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeSimulator
import PerigeeSpool
import PerigeeStation
import PerigeeTestSupport
import Testing

/// Four bands of Sentinel-2 at 20 m, 128 x 128: one cell.
private func scenes(_ visits: Range<Int>, fireAt visit: Int) throws -> [Frame] {
    let bands = [("B02", 0.4924), ("B04", 0.6646), ("B08", 0.8328), ("B12", 2.2024)].map {
        Band(name: $0.0, centerWavelength: $0.1, groundSamplingDistance: 20)
    }
    let generator = try SceneGenerator(
        profile: SensorProfile(
            name: "sentinel-2-l2a", bands: bands, sampleType: .uint16, scale: 0.0001, nodata: 0, peak: 10_000))
    let start = try #require(Timestamp(rfc3339: "2024-05-02T10:36:00Z")).milliseconds
    return try visits.map { index in
        let time = start + Int64(index) * 5 * 86_400_000
        var request = SceneRequest(
            seed: 101, place: 0, datetime: Timestamp(milliseconds: time), rows: 128, columns: 128, cloudCover: 0)
        if index == visit {
            request.events = [SceneEvent(kind: .fire, start: time - 3 * 86_400_000, x: 1_280, y: 1_280, radius: 700)]
        }
        var frame = try generator.frame(request)
        // by name, so that the frame is one place wherever the simulator puts it on its map
        frame.description.place = "valley"
        return frame
    }
}

@Suite("Rate control of a station")
struct ControlTests {
    @Test("a fire at a known place is surprising: told, counted, sent finer; what is known outlives the station")
    func surprise() throws {
        let frames = try scenes(0..<24, fireAt: 22)
        let bench = try Bench(control: "best_target = \"30x\"")
        for (index, frame) in frames.dropLast().enumerated() {
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: index))
            // one after another, since lanes take frames in any order
            while bench.station.counters.spooled <= index { usleep(2_000) }
        }
        let (packets, status) = try bench.finish(received: 23)
        let surprise = status["control"]?["surprise"]
        #expect(surprise?["frames"]?.int == 1)
        #expect(surprise?["highest"]?.double ?? 0 > 3)
        #expect(surprise?["places"]?.int == 1)
        let log = try bench.log.wait(for: "surprise")
        #expect(log.contains("sensor=sentinel-2-l2a") && log.contains("place=valley"))
        let received = try PerigeeStationTests.frames(packets, bench.bundle)
        let raw = frames[0].samples.bytes.count
        #expect(received.map { raw / $0.size >= 250 } == Array(repeating: true, count: 22) + [false])
        #expect(try Data(contentsOf: URL(filePath: bench.folder.file("places.bin"))).count > 254)
    }

    @Test("looks at a place are held against frames that the gateway has, and what is as expected gets fewer layers")
    func compared() throws {
        // more than it takes: on a busy machine memory may answer too late for some of them
        let frames = try scenes(0..<30, fireAt: -1)
        let bench = try Bench()
        for (index, frame) in frames.enumerated() {
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: index))
            // what has been delivered may be named by the next frame
            while bench.station.counters.sensors.values.reduce(0, { $0 + $1.acknowledged }) <= index { usleep(2_000) }
        }
        let (packets, status) = try bench.finish(received: 30)
        let surprise = status["control"]?["surprise"]
        #expect(status["history"]?["predicted"]?.int ?? 0 >= 12)
        #expect(surprise?["cells_compared"]?.int ?? 0 >= 1)
        let expected = surprise?["frames_expected"]?.int ?? 0
        #expect(expected >= 1)
        let raw = frames[0].samples.bytes.count
        let sizes = try PerigeeStationTests.frames(packets, bench.bundle).map { raw / $0.size }
        // 1,000x instead of 300x; before the thirteenth comparison nothing is as expected
        #expect(sizes.count { $0 >= 900 } == expected)
        #expect(sizes.prefix(12).allSatisfy { $0 < 900 })
    }

    @Test("a line that is thin from the start gets coarse layers of every frame; the rest is kept")
    func thinLine() throws {
        let frames = try scenes(0..<12, fireAt: -1)
        let bench = try Bench(control: "line_rate = 100\nhorizon_seconds = 5\nplaces = 0")
        for (index, frame) in frames.enumerated() {
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: index))
        }
        let (packets, status) = try bench.finish(received: 12)
        let received = try PerigeeStationTests.frames(packets, bench.bundle)
        #expect(received.count == 12)
        let raw = frames[0].samples.bytes.count
        // 437 octets at 300x; 500 octets of line: the fourth frame at the latest is cut
        #expect(received.filter { raw / $0.size > 900 }.count >= 8)
        #expect(status["control"]?["layers_kept"]?.int ?? 0 >= 8)
        #expect(status["ledger"]?["spooled"]?.int == 12)
    }

    @Test("classes are found by topic, sensor and area, and counted")
    func classes() throws {
        let folder = try TemporaryFolder()
        let frame = try scenes(0..<1, fireAt: -1)[0]
        let everywhere = #"{"type":"Polygon","coordinates":[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]}"#
        try Data(everywhere.utf8).write(to: URL(filePath: folder.file("all.geojson")))
        let rules = """
            [[classes]]
            name = "all"
            area = "\(folder.file("all.geojson"))"
            priority = 2
            target = "1000x"
            [[classes]]
            name = "first"
            topic = "first/"
            sensor = "sentinel-2-l2a"
            priority = 1
            """
        let bench = try Bench("\n\(rules)", control: "places = 0")
        var message = try FrameMessage.pack(frame, run: "r", sequence: 0)
        try bench.send(message)
        message = try FrameMessage.pack(frame, run: "r", sequence: 1)
        message[0] = Array("first/x".utf8)
        try bench.send(message)
        let (packets, status) = try bench.finish(received: 2)
        #expect(status["control"]?["frames"] == .object([.init("all", .integer(1)), .init("first", .integer(1))]))
        let sizes = try PerigeeStationTests.frames(packets, bench.bundle).map { frame.samples.bytes.count / $0.size }
        #expect(sizes.sorted().last ?? 0 >= 1_000)
        #expect(sizes.sorted().first ?? 0 < 400)
    }

    @Test(
        "raw frames are kept as zstd, however they came, where the spool has a ring for them", arguments: [true, false])
    func rawFrames(hasRing: Bool) throws {
        let frame = try scenes(0..<1, fireAt: -1)[0]
        let bench = try Bench(
            spool: "raw_ring_bytes = \(hasRing ? 4 << 20 : 0)\nsent_ring_bytes = 0", control: "places = 0")
        for (sequence, encoding) in [FrameHeader.Encoding.none, .zstd].enumerated() {
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: sequence, encoding: encoding))
        }
        _ = try bench.finish(received: 2)
        var spool = try Spool(
            directory: bench.folder.file("spool"), now: Timestamp(milliseconds: 1), machine: "another")
        for number in [UInt64(0), 1] {
            let raw = try spool.raw(bench.station.epoch, frame: number)
            #expect((raw != nil) == hasRing)
            guard let raw else { continue }
            let kept = try RawFrame(parsing: raw.octets)
            #expect(raw.layers >= 1 && raw.layers < kept.layerCount && kept.hasResidual)
            var decompressor = try ZstdDecompressor()
            let samples = try decompressor.decompress(kept.samples, limit: 1 << 20)
            #expect(samples == frame.samples.bytes)
        }
    }

    @Test("an area that is none is a mistake of the configuration, by file and field")
    func badArea() throws {
        let folder = try TemporaryFolder()
        try Data(#"{"type":"Point","coordinates":[1,2]}"#.utf8).write(to: URL(filePath: folder.file("a.geojson")))
        for file in ["a.geojson", "absent.geojson"] {
            let error = #expect(throws: StationError.self) {
                _ = try Bench("\n[[classes]]\nname = \"a\"\narea = \"\(folder.file(file))\"\n")
            }
            #expect("\(try #require(error))".contains(folder.file(file)))
        }
    }

    @Test("a damaged file of places is told and forgotten")
    func damagedPlaces() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("old.bin")
        try Data(repeating: 7, count: 900).write(to: URL(filePath: file))
        let bench = try Bench(places: file)
        _ = try bench.finish(received: 0)
        #expect(try bench.log.wait(for: "places_forgotten").contains(file))
    }
}
