import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeHTTP
import PerigeeJSON
import PerigeeMetrics
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("what a station serves over HTTP", .timeLimit(.minutes(10)))
struct MetricsTests {
    /// 70 sensors, so that not all have a label of their own; each sends a frame.
    private func crowded() throws -> Bench {
        let folder = try TemporaryFolder()
        let sensors = folder.file("sensors")
        try FileManager.default.createDirectory(atPath: sensors, withIntermediateDirectories: false)
        for index in 0..<70 {
            try """
            name = "camera-\(index)"
            dtype = "uint16"
            scale = 1.0
            offset = 0.0
            peak = 10000
            bands = [{ name = "x" }]
            """.write(toFile: "\(sensors)/\(index).toml", atomically: true, encoding: .utf8)
        }
        let bench = try Bench(http: "127.0.0.1:0", sensors: sensors)
        for index in 0..<70 {
            let frame = try frame(sensor: "camera-\(index)", bands: ["x"], type: .uint16, rows: 4, columns: 4) {
                UInt8(truncatingIfNeeded: $0)
            }
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: 0))
        }
        bench.waitUntilSpooled(70)
        bench.station.writeStatus()
        return bench
    }

    @Test("a scrape of a station with 70 streams has at most 500 series, and adds up")
    func series() throws {
        let bench = try crowded()
        let page = try #require(bench.station.page)
        let text = try Scrape.text(page + "metrics", accept: "application/openmetrics-text")
        let series = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(series.count <= 500, "\(series.count)")
        #expect(text.hasSuffix("# EOF\n"))
        let received = series.filter { $0.hasPrefix("perigee_frames_received_total{") }
        #expect(received.count == 64)
        let sum = received.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
        #expect(sum == 70)
        #expect(series.contains("perigee_frames_rejected_total{reason=\"crc32c\"} 0"))
        #expect(try bench.finish(received: 70).packets.count >= 70)
    }

    @Test("promtool and the client library of Prometheus read what is served", .enabled(if: Scrape.hasReaders))
    func readers() throws {
        let bench = try crowded()
        let page = try #require(bench.station.page)
        let plain = try Scrape.text(page + "metrics", accept: "text/plain")
        let lint = try Scrape.run("promtool", ["check", "metrics"], input: plain)
        #expect(lint.code == 0 && lint.output.isEmpty, "\(lint.output)")
        let open = try Scrape.text(page + "metrics", accept: "application/openmetrics-text; version=1.0.0")
        let parsed = try Scrape.run(
            "python3",
            [
                "-c",
                "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n"
                    + "print(' '.join(sorted(f.name for f in read(sys.stdin.read()))))",
            ], input: open)
        #expect(parsed.code == 0, "\(parsed.output)")
        #expect(
            Set(parsed.output.split(whereSeparator: \.isWhitespace).map(String.init))
                == Set(StationMetrics.families.map(\.name)))
        _ = try bench.finish(received: 70)
    }

    @Test("status, saving, events and readiness are there, the page under its own policy, and nothing else")
    func routes() throws {
        let bench = try crowded()
        let page = try #require(bench.station.page)
        let status = try Scrape.json(page + "status.json")
        #expect(status["v"]?.int == 2 && status["ledger"]?["spooled"]?.int == 70)
        #expect(status["sensors"]?["camera-3"]?["mark"] == .string("live"))
        #expect(try Scrape.json(page + "saving.json")["v"]?.int == 2)
        guard case .array(let events)? = try Scrape.json(page + "events.json?after=0")["events"] else {
            return #expect(Bool(false), "no events")
        }
        #expect(events.count { $0["kind"] == .string("frame_stored") } == 70)
        #expect(try Scrape.json(page + "readyz")["ready"] == .bool(true))
        #expect(try Scrape.json(page + "livez")["live"] == .bool(true))
        #expect(try Scrape.text(page, accept: "text/html").contains("<html"))
        #expect(try Scrape.status(page + "metrics/x") == 404)
        _ = try bench.finish(received: 70)
        #expect(try Scrape.status(page + "readyz") == 503)
        #expect(try Scrape.json(page + "readyz")["reasons"] == .array([.string("stopped")]))
    }

    @Test("a port that is taken stops the start, with its name")
    func taken() throws {
        let bench = try crowded()
        let page = try #require(bench.station.page)
        let listen = String(page.dropFirst("http://".count).dropLast())
        let error = try #require(throws: StationError.self) { try Bench(http: listen) }
        #expect("\(error)".contains(listen) && "\(error)".contains("another process has this port"))
        _ = try bench.finish(received: 70)
    }
}

extension Scrape {
    static func json(_ url: String) throws -> JSONValue {
        try JSONValue(parsing: Array(answer(url, accept: "application/json").body.utf8)[...], depthLimit: 16)
    }
}

@Suite("quick-looks", .timeLimit(.minutes(10)))
struct QuicklookTests {
    private func stream(_ bands: [Band], rows: Int, columns: Int) throws -> StreamDescription {
        let profile = SensorProfile(name: "x", bands: bands, sampleType: .uint16, nodata: 0, peak: 10_000)
        return try StreamDescription(
            StreamDeclaration(firmware: 0, profile: .inline(profile), rows: rows, columns: columns), profiles: [])
    }

    private func samples(bands: Int, rows: Int, columns: Int, _ value: (Int, Int, Int) -> UInt16) throws -> Samples {
        var bytes: [UInt8] = []
        for band in 0..<bands {
            for row in 0..<rows {
                for column in 0..<columns {
                    withUnsafeBytes(of: value(band, row, column).littleEndian) { bytes += $0 }
                }
            }
        }
        return try Samples(type: .uint16, bands: bands, rows: rows, columns: columns, bytes: bytes)
    }

    @Test("colours are the bands nearest to red, green and blue, stretched; missing samples are black")
    func colours() throws {
        let names = [("B2", 0.49), ("B3", 0.56), ("B4", 0.665), ("B8", 0.83)]
        let bands = names.map { Band(name: $0.0, centerWavelength: $0.1) }
        let image = try samples(bands: 4, rows: 2, columns: 2) { band, row, column in
            row == 0 && column == 0 ? 0 : UInt16(1_000 * (band + 1) + 100 * row + 10 * column)
        }
        let picture = Quicklook(image, stream: try stream(bands, rows: 2, columns: 2))
        #expect(picture.bands == ["B4", "B3", "B2"] && picture.rows == 2 && picture.columns == 2)
        #expect(Array(picture.octets[..<3]) == [0, 0, 0])
        #expect(Array(picture.octets[3..<6]) == [1, 1, 1] && Array(picture.octets[9...]) == [255, 255, 255])
    }

    @Test(
        "odd shapes shrink to the side, and nothing but missing samples is a black picture",
        arguments: [
            (1, 1), (1, 1_000), (97, 96), (500, 3), (192, 191),
        ])
    func shapes(_ rows: Int, _ columns: Int) throws {
        let stream = try stream([Band(name: "a")], rows: rows, columns: columns)
        let image = try samples(bands: 1, rows: rows, columns: columns) { _, row, column in UInt16(1 + row + column) }
        let picture = Quicklook(image, stream: stream)
        #expect(picture.bands == ["a"] && picture.octets.count == picture.rows * picture.columns * 3)
        #expect(picture.rows <= Quicklook.side && picture.columns <= Quicklook.side)
        let empty = try samples(bands: 1, rows: rows, columns: columns) { _, _, _ in 0 }
        #expect(Quicklook(empty, stream: stream).octets.allSatisfy { $0 == 0 })
    }

    @Test("a station that may shows some of its frames, and others none")
    func served() throws {
        let bench = try Bench("quicklook_every = 2", http: "127.0.0.1:0")
        let page = try #require(bench.station.page)
        for index in 0..<3 {
            let frame = try frame(sensor: "generic", bands: ["a", "b", "c"], type: .uint16, rows: 120, columns: 40) {
                UInt8(truncatingIfNeeded: $0 % 251)
            }
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: index))
            bench.waitUntilSpooled(index + 1)
        }
        var found: [JSONValue] = []
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while found.count < 2, ContinuousClock.now < deadline {
            guard case .array(let list)? = try Scrape.json(page + "quicklooks.json")["quicklooks"] else { break }
            found = list
            usleep(10_000)
        }
        let first = try #require(found.first)
        #expect(first["n"]?.int == 2 && first["rows"]?.int == 60 && first["columns"]?.int == 20)
        #expect(try Scrape.status(page + "quicklook/2") == 200 && Scrape.status(page + "quicklook/3") == 404)
        #expect(try Scrape.status(page + "quicklook/x") == 404)
        _ = try bench.finish(received: 3)
        let shy = try Bench(http: "127.0.0.1:0")
        #expect(try Scrape.json(#require(shy.station.page) + "quicklooks.json")["every"]?.int == 0)
        _ = try shy.finish(received: 0)
    }
}
