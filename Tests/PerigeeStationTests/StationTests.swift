import Foundation
import PerigeeCodec
import PerigeeConfig
import PerigeeCore
import PerigeeFirmware
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeLink
import PerigeeRaster
import PerigeeStation
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Test(
    "real frames go in over ZeroMQ and packets within the target come out", .timeLimit(.minutes(10)),
    .enabled(if: SharedData.isExpected, "no sample data"))
func realFrames() throws {
    let files: [(String, String)] = [
        ("terracodec-ssl4eos12/ssl4eos12_val_0173706", "sentinel-2-l2a"), ("landsat7-olinda/", "landsat-7-etm"),
        ("naip-timeseries/", "naip"), ("cloud38-landsat8/", "landsat-8-oli"), ("eolearn-timeseries/", "sentinel-2-l1c"),
        ("terramind-s1rtc/", "sentinel-1"), ("s2-dolomites/", "sentinel-2-l2a"),
    ]
    let bench = try Bench("[encoder]\ntarget = \"100x\"")
    var sent: [Frame] = []
    for (index, (prefix, sensor)) in files.enumerated() {
        let folder = String(prefix.prefix { $0 != "/" })
        let names = try FileManager.default.contentsOfDirectory(atPath: SharedData.path(folder)).sorted()
        let stem = String(prefix.drop { $0 != "/" }.dropFirst())
        let name = try #require(names.first { $0.hasSuffix(".tif") && (stem.isEmpty || $0.contains("0173706")) })
        var frame = try RasterReader.read(SharedData.path(folder + "/" + name)).frame
        frame.description.sensor = sensor
        let run = "run-\(index)"
        try bench.send(
            FrameMessage.pack(frame, run: run, sequence: 0, encoding: index.isMultiple(of: 2) ? .none : .zstd))
        sent.append(frame)
    }
    let (packets, status) = try bench.finish(received: files.count)
    let received = try frames(packets, bench.bundle)
    #expect(received.count == sent.count && status["ledger"]?["spooled"]?.int == sent.count)
    for original in sent {
        let match = received.first {
            $0.description.bandNames == original.description.bandNames && $0.samples.rows == original.samples.rows
                && $0.description.sensor == original.description.sensor
        }
        let decoded = try #require(match, "\(original.description.sensor)")
        #expect(decoded.samples.type == original.samples.type)
        #expect(decoded.description.datetime == original.description.datetime)
        #expect(decoded.description.georeference == original.description.georeference)
        #expect(decoded.size <= original.samples.bytes.count / 100, "\(original.description.sensor) \(decoded.size)")
    }
    let raw = sent.reduce(0) { $0 + $1.samples.bytes.count }
    #expect(status["bytes"]?["raw_acknowledged"]?.int == raw)
    #expect((status["saving"]?["total"]?["zstd_over_link"]?.double ?? 0) > 1)
    #expect((status["saving"]?["total"]?["raw_over_link"]?.double ?? 0) > 50)
}

@Test("a sensor that nobody knows, and floats without a scale, travel losslessly", .timeLimit(.minutes(10)))
func verbatim() throws {
    let bench = try Bench()
    let camera = try frame(sensor: "my-camera", bands: ["x"], type: .uint16, rows: 33, columns: 7) {
        UInt8(truncatingIfNeeded: $0 &* 31)
    }
    let floats = try frame(sensor: "generic", bands: ["a", "b"], type: .float32, rows: 5, columns: 9) {
        UInt8(truncatingIfNeeded: $0 % 60)
    }
    try bench.send(FrameMessage.pack(camera, run: "r", sequence: 0))
    try bench.send(FrameMessage.pack(floats, run: "r", sequence: 0))
    let (packets, status) = try bench.finish(received: 2)
    let received = try frames(packets, bench.bundle)
    #expect(Set(received.map(\.samples.bytes)) == [camera.samples.bytes, floats.samples.bytes])
    #expect(status["sensors"]?["other"]?["received"]?.int == 1 && status["sensors"]?["generic"]?["received"]?.int == 1)
}

@Test("a lossless target brings frames back as they were, one without layers below it too", .timeLimit(.minutes(10)))
func lossless() throws {
    let bench = try Bench("[encoder]\ntarget = \"lossless\"")
    let image = try frame(sensor: "sentinel-2-l2a", bands: ["B02", "B8A"], type: .uint16, rows: 65, columns: 70) {
        UInt8(truncatingIfNeeded: $0 &* 31)
    }
    let pixel = try frame(sensor: "sentinel-2-l2a", bands: ["B02"], type: .uint16, rows: 1, columns: 1) {
        UInt8(truncatingIfNeeded: $0 + 7)
    }
    let radar = try frame(sensor: "sentinel-1", bands: ["VV", "VH"], type: .float32, rows: 9, columns: 11) {
        UInt8(truncatingIfNeeded: $0 % 60)
    }
    for (sequence, frame) in [image, pixel].enumerated() {
        try bench.send(FrameMessage.pack(frame, run: "r", sequence: sequence))
    }
    try bench.send(FrameMessage.pack(radar, run: "r", sequence: 0))
    let (packets, _) = try bench.finish(received: 3)
    let received = try frames(packets, bench.bundle)
    for frame in [image, pixel, radar] {
        let name = "\(frame.description.sensor) \(frame.samples.rows) x \(frame.samples.columns)"
        #expect(received.contains { $0.samples == frame.samples }, "\(name)")
    }
}

@Test("small and empty frames work, and count where their budget is too small", .timeLimit(.minutes(10)))
func ordinary() throws {
    let bench = try Bench()
    let shapes = [(1, 1), (1, 300), (300, 1), (65, 33), (64, 64)]
    for (sequence, shape) in shapes.enumerated() {
        let frame = try frame(
            sensor: "sentinel-2-l2a", bands: ["B8A", "B02"], type: .uint16, rows: shape.0, columns: shape.1
        ) {
            sequence == 4 ? 0 : UInt8(truncatingIfNeeded: $0 % 16)
        }
        try bench.send(FrameMessage.pack(frame, run: "r", sequence: sequence))
    }
    let (packets, status) = try bench.finish(received: shapes.count)
    let received = try frames(packets, bench.bundle)
    #expect(received.count == shapes.count && status["ledger"]?["spooled"]?.int == shapes.count)
    #expect((status["over_budget"]?.int ?? 0) >= 1)
    for frame in received where frame.samples.rows == 64 { #expect(frame.samples.bytes.allSatisfy { $0 == 0 }) }
    for frame in received { #expect(frame.description.datetime == nil && frame.description.georeference == nil) }
}

@Test("samples that are clipped are counted, logged and said at the end", .timeLimit(.minutes(10)))
func clipped() throws {
    let bench = try Bench()
    // three samples of 2^31 - 1, the others 768
    let bright = try frame(sensor: "sentinel-2-l2a", bands: ["B04", "B08"], type: .int32, rows: 8, columns: 8) {
        $0 < 12 ? ($0 % 4 == 3 ? 0x7F : 0xFF) : ($0 % 4 == 1 ? 3 : 0)
    }
    let good = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 8, columns: 8) { UInt8($0) }
    for sequence in 0..<2 { try bench.send(FrameMessage.pack(bright, run: "r", sequence: sequence)) }
    try bench.send(FrameMessage.pack(good, run: "r", sequence: 0))
    let (_, status) = try bench.finish(received: 3)
    #expect(status["ledger"]?["spooled"]?.int == 3 && status["clipped_samples"]?.int == 6, "\(status)")
    #expect(status["sensors"]?["sentinel-2-l2a"]?["clipped_samples"]?.int == 6)
    #expect(status["sensors"]?["naip"]?["clipped_samples"]?.int == 0)
    #expect(bench.station.summary.hasSuffix(", 6 samples clipped"))
    let log = try bench.log.wait(for: "stopped")
    #expect(log.contains("level=warning event=samples_clipped sensor=sentinel-2-l2a samples=3 "))
    #expect(log.contains(" clipped_samples=6"))
}

@Test("bad input is counted by its reason, gaps are counted, and the station goes on", .timeLimit(.minutes(10)))
func badInput() throws {
    let bench = try Bench("[limits]\nframe_bytes = \"1 MiB\"\nintake_bytes = \"8 MiB\"")
    let good = try frame(sensor: "naip", bands: ["R", "N"], type: .uint8, rows: 40, columns: 50) {
        UInt8(truncatingIfNeeded: $0)
    }
    func message(_ sequence: Int, _ change: (inout [[UInt8]]) -> Void = { _ in }) throws -> [[UInt8]] {
        var parts = try FrameMessage.pack(good, run: "r", sequence: sequence)
        change(&parts)
        return parts
    }
    func replace(_ parts: inout [[UInt8]], _ old: String, _ new: String) {
        parts[1] = Array(String(decoding: parts[1], as: UTF8.self).replacingOccurrences(of: old, with: new).utf8)
    }
    try bench.send(message(0))
    let bad: [(String, [[UInt8]])] = [
        ("parts", [[1]]),
        ("parts", try message(1) { $0 += [[], []] }),
        ("header_size", try message(1) { $0[1] = Array(repeating: 91, count: 200_000) }),
        ("json", try message(1) { $0[1].removeLast() }),
        ("version", try message(1) { replace(&$0, "\"v\": 1", "\"v\": 9") }),
        ("dtype", try message(1) { replace(&$0, "uint8", ">u2") }),
        ("shape", try message(2) { replace(&$0, "[2, 40, 50]", "[0, 40, 50]") }),
        ("bands", try message(3) { replace(&$0, "\"N\"", "\"X\"") }),
        ("frame_size", try message(4) { replace(&$0, "[2, 40, 50]", "[2, 4000, 5000]") }),
        ("length", try message(5) { $0[2].removeLast() }),
        (
            "encoding",
            try message(6) { replace(&$0, "\"dtype\"", "\"encoding\": \"zstd\", \"crc32c\": null, \"dtype\"") }
        ),
        ("crc32c", try message(7) { $0[2][9] ^= 1 }),
        ("duplicate", try message(0)),
    ]
    for (_, parts) in bad { try bench.send(parts) }
    try bench.send(message(10))
    try bench.send(FrameMessage.pack(.end, sensor: "naip", run: "r", sequence: 12))
    let (packets, status) = try bench.finish(received: bad.count + 2, heartbeats: 1)
    let rejected = try #require(status["ledger"]?["rejected"])
    for reason in Set(bad.map(\.0)) {
        #expect(rejected[reason]?.int == bad.filter { $0.0 == reason }.count, "\(reason): \(rejected)")
    }
    #expect(status["intake"]?["missed"]?.int == 4, "8 and 9, then 11 and 12: \(status)")
    #expect(try frames(packets, bench.bundle).count == 2)
}

@Test("a frame with a packet that the gateway refuses counts as refused, not as delivered", .timeLimit(.minutes(10)))
func refused() throws {
    // 1 is the declaration, then one packet a frame
    let bench = try Bench(refused: [3])
    let good = try frame(sensor: "naip", bands: ["R", "N"], type: .uint8, rows: 40, columns: 50) {
        UInt8(truncatingIfNeeded: $0)
    }
    for sequence in 0..<4 { try bench.send(FrameMessage.pack(good, run: "r", sequence: sequence)) }
    let (packets, status) = try bench.finish(received: 4, isDelivered: false)
    #expect(packets.count == 4)
    let sensor = status["sensors"]?["naip"]
    #expect(sensor?["encoded"]?.int == 4 && sensor?["acknowledged"]?.int == 3 && sensor?["refused"]?.int == 1)
    #expect(status["bytes"]?["raw_acknowledged"]?.int == 3 * good.samples.bytes.count)
    #expect(status["link"]?["packets_rejected"]?.int == 1 && status["link"]?["held_packets"]?.int == 0)
}

@Test("a part above the limit ends the connection, is counted, and the next frame comes", .timeLimit(.minutes(10)))
func oversized() throws {
    let bench = try Bench("[limits]\nframe_bytes = \"1 MiB\"\nintake_bytes = \"8 MiB\"")
    let good = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 8, columns: 8) { UInt8($0) }
    try bench.send(FrameMessage.pack(good, run: "r", sequence: 0))
    while bench.station.counters.received < 1 { usleep(5_000) }
    var large = try FrameMessage.pack(good, run: "r", sequence: 1)
    large[2] = [UInt8](repeating: 0, count: 3 << 20)
    try bench.send(large)
    while bench.station.counters.disconnects < 1 { usleep(5_000) }
    try bench.send(FrameMessage.pack(good, run: "r", sequence: 2))
    let (_, status) = try bench.finish(received: 2)
    #expect(status["intake"]?["missed"]?.int == 1 && (status["intake"]?["disconnects"]?.int ?? 0) >= 1)
    #expect(status["ledger"]?["spooled"]?.int == 2)
}

@Test("what has reached the station before it is stopped is not lost", .timeLimit(.minutes(10)))
func backlog() throws {
    // The queue holds four frames of this size and one is in hand, so half of them wait inside libzmq or before it.
    let bench = try Bench("[limits]\nframe_bytes = \"1 MiB\"\nintake_bytes = \"4 MiB\"\n[encoder]\nlanes = 1")
    let large = try frame(sensor: "naip", bands: ["R", "G", "B", "N"], type: .uint8, rows: 470, columns: 470) {
        UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13)
    }
    for sequence in 0..<9 { try bench.send(FrameMessage.pack(large, run: "r", sequence: sequence)) }
    let (packets, status) = try bench.finish(received: 5)
    #expect(try frames(packets, bench.bundle).count == 9)
    #expect(status["ledger"]?["spooled"]?.int == 9 && status["intake"]?["missed"]?.int == 0)
}

@Test("a subscriber takes its topic and drops nothing in silence", .timeLimit(.minutes(10)))
func subscriber() throws {
    let bench = try Bench()
    var publisher = try Socket(.publish, context: bench.context)
    try publisher.connect(bench.station.endpoints[1])
    let good = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 16, columns: 16) {
        UInt8(truncatingIfNeeded: $0)
    }
    var sequence = 0
    // a publisher drops what it sends before the subscription arrives: so it sends until one has come
    while bench.station.counters.received == 0 {
        _ = try publisher.send(FrameMessage.pack(good, run: "r", sequence: sequence))
        sequence += 1
        usleep(5_000)
    }
    let (packets, status) = try bench.finish(received: 1)
    #expect(try frames(packets, bench.bundle).count == status["ledger"]?["spooled"]?.int)
}

@Test(
    "the publisher of Docs/frame-format.md reaches a station", .timeLimit(.minutes(10)),
    .enabled(if: python != nil || isCI, "no python with pyzmq"))
func documentedPublisher() throws {
    let path = SharedData.packageRoot + "/Docs/frame-format.md"
    let page = try String(contentsOfFile: path, encoding: .utf8)
    let start = try #require(page.range(of: "<!-- publisher -->\n```python\n"))
    let end = try #require(page.range(of: "\n```\n", range: start.upperBound..<page.endIndex))
    let script = String(page[start.upperBound..<end.lowerBound])
    #expect(script.split(separator: "\n").count <= 15)
    let bench = try Bench()
    let process = Process()
    process.executableURL = URL(
        filePath: try #require(python, "install python3-zmq, or name a python by PERIGEE_PYTHON"))
    process.arguments = ["-c", script, bench.station.endpoints[0]]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let (packets, status) = try bench.finish(received: 3, heartbeats: 1)
    let received = try frames(packets, bench.bundle)
    #expect(received.count == 3 && status["ledger"]?["spooled"]?.int == 3 && status["intake"]?["missed"]?.int == 0)
    #expect(received.first?.description.bandNames == ["B04", "B03", "B02", "B08"])
    #expect(
        received.first?.description.georeference
            == GeoReference(epsg: 32631, transform: [10, 0, 499_980, 0, -10, 5_700_000]))
    #expect(received.first?.description.datetime?.rfc3339 == "2018-08-04T10:46:29Z")
}

private let isCI = ProcessInfo.processInfo.environment["CI"] == "true"

/// A Python that has pyzmq.
private let python: String? = {
    let named = ProcessInfo.processInfo.environment["PERIGEE_PYTHON"]
    for path in [named, SharedData.packageRoot + "/.build/venv/bin/python", "/usr/bin/python3"].compactMap({ $0 })
    where FileManager.default.isExecutableFile(atPath: path) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["-c", "import zmq"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { continue }
        process.waitUntilExit()
        if process.terminationStatus == 0 { return path }
    }
    return nil
}()
