import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeRaster
import PerigeeTestSupport
import Testing

private func floats(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
}

private func shorts(_ values: [UInt16]) -> [UInt8] { values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }

/// A GeoTIFF that is small and odd, but good.
private struct OddFrame: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var sensor = "sentinel-2-l2a"
    var type = SampleType.uint16
    var rows: Int
    var columns: Int
    var nodata: Double? = 0
    var octets: [UInt8]

    func write(to path: String) throws {
        let names = sensor == "sentinel-1" ? ["VV", "VH"] : ["B04", "B08"]
        var description = FrameDescription(sensor: sensor, bandNames: names)
        description.nodata = nodata
        let samples = try Samples(type: type, bands: 2, rows: rows, columns: columns, bytes: octets)
        try RasterWriter.writeCOG(try Frame(description: description, samples: samples), to: path)
    }
}

private let oddFrames = [
    OddFrame(testDescription: "1 x 1", rows: 1, columns: 1, octets: shorts([1_234, 3_456])),
    OddFrame(
        testDescription: "one row", rows: 1, columns: 37, octets: shorts((0..<74).map { UInt16(500 + $0 * 31) })),
    OddFrame(
        testDescription: "one column", rows: 37, columns: 1, octets: shorts((0..<74).map { UInt16(500 + $0 * 31) })),
    OddFrame(testDescription: "all nodata", rows: 9, columns: 5, octets: shorts([UInt16](repeating: 0, count: 90))),
    OddFrame(
        testDescription: "NaN is missing", sensor: "sentinel-1", type: .float32, rows: 8, columns: 8, nodata: .nan,
        octets: floats((0..<128).map { $0.isMultiple(of: 5) ? .nan : Float($0) * 0.01 })),
    OddFrame(
        testDescription: "all NaN", sensor: "sentinel-1", type: .float32, rows: 3, columns: 3, nodata: .nan,
        octets: floats([Float](repeating: .nan, count: 18))),
]

@Suite("Files that are odd, and files that are bad")
struct ToolInputTests {
    @Test("odd frames come back with their masks", arguments: oddFrames)
    private func odd(_ frame: OddFrame) throws {
        let folder = try TemporaryFolder()
        try frame.write(to: folder.file("in.tif"))
        try Programs.succeed("encode", folder.file("in.tif"), "-o", folder.file("a.pgt"))
        try Programs.succeed("decode", folder.file("a.pgt"), "-o", folder.file("out.tif"))
        let report = try Programs.succeed(
            "compare", "--json", "--sensor", frame.sensor, folder.file("in.tif"), folder.file("out.tif")
        ).json()
        #expect(report["mask_mismatches"]?.int == 0, "\(report)")
        let out = try RasterReader.read(folder.file("out.tif")).frame
        #expect((out.samples.rows, out.samples.columns) == (frame.rows, frame.columns))
        #expect(out.samples.type == frame.type)
    }

    @Test("odd frames come back as they were, windows of them too", arguments: oddFrames)
    private func lossless(_ frame: OddFrame) throws {
        let folder = try TemporaryFolder()
        try frame.write(to: folder.file("in.tif"))
        let report = try Programs.succeed(
            "encode", "--json", "--lossless", folder.file("in.tif"), "-o", folder.file("a.pgt")
        ).json()
        #expect((report["residual_bytes"]?.int ?? 0 > 0) == (frame.type == .uint16), "\(report)")
        try Programs.succeed("decode", folder.file("a.pgt"), "-o", folder.file("out.tif"))
        let words = ["compare", "--json", "--sensor", frame.sensor, folder.file("in.tif"), folder.file("out.tif")]
        #expect(try Programs.perigee(words).json()["exact"] == .bool(true))
        let window = "0,0,\(frame.columns),1"
        try Programs.succeed("decode", folder.file("a.pgt"), "-o", folder.file("part.tif"), "--window", window)
        let whole = try RasterReader.read(folder.file("out.tif")).frame.samples
        let part = try RasterReader.read(folder.file("part.tif")).frame.samples
        #expect(part.bytes.prefix(part.bytes.count / 2) == whole.bytes.prefix(part.bytes.count / 2))
    }

    @Test("bounds by band hold, and bounds that cannot be are refused by what is wrong")
    func bounds() throws {
        let folder = try TemporaryFolder()
        try Programs.succeed("simulate", "-o", folder.path, "--rows", "48", "--columns", "40")
        let path = folder.file("sim-0_20240516.tif")
        try Programs.succeed("encode", path, "-o", folder.file("a.pgt"), "--max-error", "B02=1,B03=5")
        try Programs.succeed("decode", folder.file("a.pgt"), "-o", folder.file("out.tif"))
        let report = try Programs.succeed("compare", "--json", path, folder.file("out.tif")).json()
        guard case .array(let bands)? = report["bands"] else { throw TestFailure() }
        for band in bands {
            let limit = band["name"] == .string("B02") ? 1.0 : (band["name"] == .string("B03") ? 5 : 0)
            #expect((band["max_error"]?.double ?? .infinity) <= limit, "\(band)")
        }
        let account = try Programs.succeed("info", "--json", folder.file("a.pgt")).json()
        #expect((account["tokens"]?["residual"]?.double ?? 0) > 100)
        let refusals: [([String], Int32, String)] = [
            (["--max-error", "B99=1"], 65, "band of an error bound is B99"),
            (["--max-error=-2"], 65, "error bound of band B01 is -2.0"),
            (["--max-error", "0.5"], 65, "error bound of band B01 is 0.5"),
            (["--max-error", "40000"], 65, "expected a whole number from 0 to 32767"),
            (["--max-error", "B02"], 64, "--max-error is B02"),
            (["--max-error", "B02=1,B02=2"], 64, "names band B02 twice"),
            (["--max-error", "1", "--lossless"], 64, "exclude each other"),
        ]
        for (words, code, text) in refusals {
            let outcome = try Programs.perigee(["encode", path, "-o", folder.file("b.pgt")] + words)
            #expect(outcome.code == code && outcome.errors.contains(text), "\(words): \(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("b.pgt")))
    }

    private struct TestFailure: Error {}

    @Test("odd frames go through the daemons too", .timeLimit(.minutes(10)))
    func oddThroughDaemons() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        try daemons.startStation()
        for (index, frame) in oddFrames.enumerated() {
            let path = daemons.folder.file("odd-\(index).tif")
            try frame.write(to: path)
            try Programs.succeed("publish", "--sensor", frame.sensor, "--endpoint", daemons.frames, path)
        }
        try await daemons.waitForDelivery(oddFrames.count)
        try Programs.succeed("render", "--archive", daemons.archive, "-o", daemons.folder.file("products"))
    }

    /// A small token file of a simulated frame.
    private func tokens(in folder: TemporaryFolder) throws -> [UInt8] {
        try Programs.succeed("simulate", "-o", folder.path, "--rows", "48", "--columns", "40")
        try Programs.succeed(
            "encode", folder.file("sim-0_20240516.tif"), "-o", folder.file("good.pgt"), "--ratio", "100")
        return Array(try #require(FileManager.default.contents(atPath: folder.file("good.pgt"))))
    }

    @Test("damaged token files are refused with the field's name")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let good = try tokens(in: folder)
        func refuse(_ octets: [UInt8], code: Int32, text: String) throws {
            try Data(octets).write(to: URL(filePath: folder.file("bad.pgt")))
            let outcome = try Programs.perigee(["decode", folder.file("bad.pgt"), "-o", folder.file("out.tif")])
            #expect(outcome.code == code, "\(text): \(outcome.code) \(outcome.errors)")
            #expect(outcome.errors.contains(text), "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("out.tif")))
        }
        try refuse([0x51] + good.dropFirst(), code: 65, text: "magic")
        try refuse(Array(good[..<3]) + [good[3] & 0xF0 | 9] + good[4...], code: 65, text: "version")
        try refuse(Array(good.dropLast()) + [(good.last ?? 0) ^ 1], code: 65, text: "file checksum")
        try refuse(Array(good[..<25]) + [good[25] ^ 0x10] + good[26...], code: 65, text: "bad.pgt")
        try refuse([], code: 65, text: "magic")
        for size in stride(from: 1, to: good.count, by: max(1, good.count / 9)) {
            try refuse(Array(good.prefix(size)), code: 65, text: "bad.pgt")
        }
    }

    @Test("a few octets that claim a frame without end are refused by decode, and info stays small")
    func hostileDeclaration() throws {
        let folder = try TemporaryFolder()
        let good = try TokenFile(parsing: tokens(in: folder))
        var declaration = good.declaration
        declaration.rows = 1 << 20
        declaration.columns = 1 << 20
        declaration.grid = nil
        let names = (0..<1_024).map { Band(name: "b\($0)") }
        let many = SensorProfile(name: "x", bands: names, sampleType: .uint16, peak: 1)
        for profile in [good.declaration.profile, .inline(many)] {
            declaration.profile = profile
            let file = TokenFile(
                epoch: good.epoch, declaration: declaration, frame: 0, metadata: FrameMetadata(), layers: [[1, 2, 3]])
            try Data(file.packed()).write(to: URL(filePath: folder.file("bad.pgt")))
            let decoded = try Programs.perigee(["decode", folder.file("bad.pgt"), "-o", folder.file("out.tif")])
            #expect(decoded.code == 65 && decoded.errors.contains("frame octets"), "\(decoded.errors)")
            try Programs.succeed("info", "--json", folder.file("bad.pgt"))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("out.tif")))
    }

    @Test("impossible octets behind good checksums are refused by name")
    func impossibleSymbols() throws {
        let folder = try TemporaryFolder()
        let good = try TokenFile(parsing: tokens(in: folder))
        let (fitted, none) = ([UInt8](repeating: 40, count: 12) + [UInt8](repeating: 128, count: 66), [UInt8]())
        for (rows, layer, text) in [
            (48, [0x8E, 0x20] + none, "frame head"), (48, [13, 1, 2, 3], "spectral mode"),
            (48, [15] + fitted, "fitted basis correlation"), (800, [14, 0x84], "tile bitmap"),
            (800, [14, 1, 0], "tile length"), (800, [14, 1, 0x80, 0], "tile length"),
            (800, [14, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], "tile length"),
        ] {
            var declaration = good.declaration
            declaration.rows = rows
            let file = TokenFile(
                epoch: good.epoch, declaration: declaration, frame: 0, metadata: FrameMetadata(), layers: [layer[...]])
            try Data(file.packed()).write(to: URL(filePath: folder.file("bad.pgt")))
            let outcome = try Programs.perigee(["decode", folder.file("bad.pgt"), "-o", folder.file("out.tif")])
            #expect(outcome.code == 65 && outcome.errors.contains(text), "\(layer.prefix(4)): \(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("out.tif")))
    }

    @Test("a file of an unknown firmware says which one is missing")
    func wrongFirmware() throws {
        let folder = try TemporaryFolder()
        _ = try tokens(in: folder)
        try FileManager.default.createDirectory(atPath: folder.file("none"), withIntermediateDirectories: true)
        let outcome = try Programs.perigee([
            "decode", folder.file("good.pgt"), "-o", folder.file("out.tif"), "--firmware", folder.file("none"),
        ])
        #expect(outcome.code == 78)
        #expect(outcome.errors.contains("firmware") && outcome.errors.contains("--firmware"))
    }

    @Test("what is no GeoTIFF is refused, and nothing is written")
    func notGeoTIFF() throws {
        let folder = try TemporaryFolder()
        try Data("II*\u{0}this is not an image".utf8).write(to: URL(filePath: folder.file("text.tif")))
        try Data().write(to: URL(filePath: folder.file("empty.tif")))
        for (name, code) in [("text.tif", 65), ("empty.tif", 65), ("absent.tif", 69)] as [(String, Int32)] {
            let outcome = try Programs.perigee(["encode", folder.file(name), "-o", folder.file("a.pgt")])
            #expect(outcome.code == code, "\(name): \(outcome.errors)")
            #expect(outcome.errors.contains(name))
        }
        #expect(try folder.contents() == ["empty.tif", "text.tif"])
        let missing = try Programs.perigee(["publish", folder.file("text.tif"), "--wait", "1"])
        #expect(missing.code == 65)
    }

    @Test("a budget bounds the whole file, and one that is too small says what is possible")
    func budgets() throws {
        let folder = try TemporaryFolder()
        _ = try tokens(in: folder)
        let source = folder.file("sim-0_20240516.tif")
        for bytes in [150, 200, 333, 1_000, 4_000] {
            try Programs.succeed("encode", source, "-o", folder.file("a.pgt"), "--bytes", "\(bytes)")
            let size = try #require(FileManager.default.contents(atPath: folder.file("a.pgt"))).count
            #expect(size <= bytes && Double(size) >= Double(bytes) * 0.94, "\(size) of \(bytes)")
        }
        let refused = try Programs.perigee(["encode", source, "-o", folder.file("b.pgt"), "--bytes", "20", "--json"])
        #expect(refused.code == 3)
        let smallest = try #require(try refused.json()["smallest_bytes"]?.int)
        #expect(refused.errors.contains("\(smallest) octets"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("b.pgt")))
        try Programs.succeed("encode", source, "-o", folder.file("b.pgt"), "--bytes", "\(smallest)")
        let below = try Programs.perigee(["encode", source, "-o", folder.file("c.pgt"), "--bytes", "\(smallest - 1)"])
        #expect(below.code == 3)
    }

    @Test("a day without a time of day leaves the time unknown, and an option names it")
    func day() throws {
        let folder = try TemporaryFolder()
        let samples = try Samples(type: .uint16, bands: 1, rows: 9, columns: 9, bytes: shorts([UInt16](300..<381)))
        let frame = try Frame(
            description: FrameDescription(sensor: "sentinel-2-l2a", bandNames: ["B04"]), samples: samples)
        try RasterWriter.writeCOG(frame, to: folder.file("a.tif"), metadata: ["datetime": "2020-01-13"])
        let (source, tokens) = (folder.file("a.tif"), folder.file("a.pgt"))
        let outcome = try Programs.succeed("encode", source, "-o", tokens)
        #expect(outcome.errors.contains("no time of day") && outcome.errors.contains("--datetime"))
        #expect(try Programs.succeed("info", "--json", tokens).json()["datetime"] == .null)
        let said = try Programs.succeed("encode", source, "-o", tokens, "--datetime", "2020-01-13T10:30:00Z")
        #expect(!said.errors.contains("stays unknown"))
        #expect(
            try Programs.succeed("info", "--json", tokens).json()["datetime"] == .string("2020-01-13T10:30:00Z"))
    }

    @Test("a window is the same place of the whole frame, with a georeference of its own")
    func window() throws {
        let folder = try TemporaryFolder()
        try Programs.succeed("simulate", "-o", folder.path, "--rows", "300", "--columns", "1100")
        let (source, tokens) = (folder.file("sim-0_20240516.tif"), folder.file("a.pgt"))
        try Programs.succeed("encode", source, "-o", tokens, "--ratio", "100")
        try Programs.succeed("decode", tokens, "-o", folder.file("whole.tif"))
        let report = try Programs.succeed(
            "decode", "--json", tokens, "-o", folder.file("part.tif"), "--window", "505,41,20,7"
        ).json()
        #expect(report["tiles"]?.int == 2 && report["tiles_decoded"]?.int == 2)
        let whole = try RasterReader.read(folder.file("whole.tif")).frame
        let part = try RasterReader.read(folder.file("part.tif")).frame
        let size = whole.samples.type.size
        var expected: [UInt8] = []
        for row in 0..<whole.samples.bands * 300 where (41..<48).contains(row % 300) {
            expected += whole.samples.bytes[(row * 1_100 + 505) * size..<(row * 1_100 + 525) * size]
        }
        #expect(part.samples.bytes == expected)
        let (before, after) = (
            try #require(whole.description.georeference), try #require(part.description.georeference)
        )
        let (old, new) = (before.transform, after.transform)
        #expect(after.epsg == before.epsg && [new[0], new[1], new[3], new[4]] == [old[0], old[1], old[3], old[4]])
        #expect(new[2] == old[2] + 505 * old[0] && new[5] == old[5] + 41 * old[4])
        for (window, code, text) in [
            ("1100,0,1,1", 65, "window x is 1100"), ("0,290,1,11", 65, "window height is 11"),
            ("0,0,0,1", 65, "window width is 0"), ("0,0,1", 64, "--window is 0,0,1"),
            ("-1,0,1,1", 65, "window x is -1"), ("0,-9223372036854775808,1,1", 65, "window y is -9223372036854775808"),
            ("0,0,-1,1", 65, "window width is -1"), ("9223372036854775807,0,9223372036854775807,1", 65, "window x"),
            ("0,0,1,99999999999999999999", 64, "--window"), ("0,0,1,9223372036854775807", 65, "window height"),
        ] as [(String, Int32, String)] {
            let outcome = try Programs.perigee(["decode", tokens, "-o", folder.file("no.tif"), "--window=\(window)"])
            #expect(outcome.code == code && outcome.errors.contains(text), "\(window): \(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("no.tif")))
    }

    @Test("a bundle whose tables are not those of its manifest is refused by name", arguments: ["encode", "decode"])
    func damagedBundle(command: String) throws {
        let folder = try TemporaryFolder()
        _ = try tokens(in: folder)
        let bundle = folder.file("bundle")
        try FileManager.default.copyItem(atPath: SharedData.packageRoot + "/Firmware/perigee-1", toPath: bundle)
        let tables = URL(filePath: bundle + "/model.safetensors")
        var octets = try Data(contentsOf: tables)
        octets[octets.count - 9] ^= 1
        try octets.write(to: tables)
        try Programs.succeed("simulate", "-o", folder.file("frames"), "--rows", "8", "--columns", "8")
        let input = command == "encode" ? folder.file("frames/sim-0_20240516.tif") : folder.file("good.pgt")
        let outcome = try Programs.perigee([command, input, "-o", folder.file("no"), "--firmware", bundle])
        #expect(outcome.code != 0 && outcome.errors.contains("model.safetensors has SHA-256"), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("no")))
    }

    @Test("info accounts for every octet")
    func account() throws {
        let folder = try TemporaryFolder()
        let good = try tokens(in: folder)
        let info = try Programs.succeed("info", "--json", folder.file("good.pgt")).json()
        guard case .object(let entries)? = info["octets"] else {
            Issue.record("no account")
            return
        }
        #expect(entries.compactMap(\.value.int).reduce(0, +) == good.count)
        #expect(info["bytes"]?.int == good.count)
        #expect((info["overhead_bytes"]?.int ?? 0) + (info["token_bytes"]?.int ?? 0) == good.count)
        #expect(info["overhead_bytes"]?.int ?? .max <= 64)
    }
}

@Suite("The command line")
struct CommandLineTests {
    @Test("the page of commands is what the program says; `make docs` remakes it")
    func reference() throws {
        let page = try String(contentsOfFile: SharedData.packageRoot + "/Docs/commands.md", encoding: .utf8)
        #expect(try Programs.succeed("reference").output == page)
    }

    @Test(
        "every command has help with examples and exit codes",
        arguments: [
            ["encode"], ["decode"], ["info"], ["compare"], ["publish"], ["simulate"], ["archive", "list"],
            ["archive", "reindex"], ["archive", "verify"], ["render"], ["demo"], ["completion"],
        ])
    func help(command: [String]) throws {
        let outcome = try Programs.perigee(command + ["--help"], environment: ["NO_COLOR": "1"])
        #expect(outcome.code == 0)
        for heading in ["Usage", "Options", "Examples", "Exit codes"] { #expect(outcome.output.contains(heading)) }
    }

    @Test("wrong lines end with 64 and name what is wrong")
    func usage() throws {
        for (words, text) in [
            (["encod"], "did you mean encode"), (["encode", "a.tif"], "--output"),
            (["decode", "--layers", "0"], "--layers"),
            (["encode", "a", "-o", "b", "--ratio", "2", "--bytes", "9"], "exclude each other"),
        ] {
            let outcome = try Programs.perigee(words)
            #expect(outcome.code == 64)
            #expect(outcome.errors.contains(text), "\(outcome.errors)")
        }
    }

    @Test("a simulated pass is the same each time")
    func simulate() throws {
        let folder = try TemporaryFolder()
        for name in ["a", "b"] {
            try Programs.succeed(
                "simulate", "-o", folder.file(name), "--visits", "2", "--rows", "32", "--columns", "32", "--seed", "5")
        }
        let first = try RasterReader.read(folder.file("a/sim-0_20240521.tif"))
        #expect(first.frame == (try RasterReader.read(folder.file("b/sim-0_20240521.tif"))).frame)
    }
}
