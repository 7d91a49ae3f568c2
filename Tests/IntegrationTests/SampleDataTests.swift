import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import Testing

extension Tag {
    /// Minutes, not seconds: runs only under `make test-slow`.
    @Tag static var slow: Self
}

@Suite("The sample data through the tool", .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct SampleDataTests {
    private static let radar = SharedData.path("worldcereal-timeseries-s1/wc-be1_20170801.tif")

    @Test("whole numbers of a sensor of floats are lossless without a scale, and measured in its unit with one")
    func radar() throws {
        let folder = try TemporaryFolder()
        let tokens = folder.file("a.pgt")
        let out = folder.file("a.tif")
        let plain = try Programs.succeed("encode", Self.radar, "--sensor", "sentinel-1", "-o", tokens, "--json").json()
        #expect(plain["coding"] == .string("verbatim"))
        #expect(plain["notes"]?.description.contains("--scale") == true, "\(plain)")
        try Programs.succeed("decode", tokens, "-o", out)
        let same = try Programs.succeed("compare", "--json", "--sensor", "sentinel-1", Self.radar, out).json()
        #expect(same["exact"] == .bool(true))

        let scaled = ["--sensor", "sentinel-1", "--scale", "0.0001"]
        let coded = try Programs.perigee(["encode", Self.radar, "-o", tokens, "--bytes", "1000", "--json"] + scaled)
        #expect(try coded.json()["coding"] == .string("tokens"), "\(coded)")
        try Programs.succeed("decode", tokens, "-o", out)
        let report = try Programs.perigee(["compare", "--json", Self.radar, out] + scaled).json()
        #expect(report["peak"]?.double == 500_000)
        #expect(try #require(report["psnr"]?.double) > 20, "\(report)")
        #expect(report["mask_mismatches"]?.int == 0)
    }

    @Test("a place that no packet can hold is refused before anything is written")
    func place() throws {
        let folder = try TemporaryFolder()
        for place in [String(repeating: "x", count: 65), "a\nb"] {
            let outcome = try Programs.perigee(["encode", Self.radar, "-o", folder.file("a.pgt"), "--place", place])
            #expect(outcome.code == 64 && outcome.errors.contains("--place"), "\(outcome)")
        }
        #expect(try folder.contents().isEmpty)
        let longest = String(repeating: "x", count: 64)
        try Programs.succeed("encode", Self.radar, "-o", folder.file("a.pgt"), "--place", longest)
        let info = try Programs.succeed("info", "--json", folder.file("a.pgt")).json()
        #expect(info["place"] == .string(longest))
    }

    @Test(
        "every file comes back within its octets, with its mask", .tags(.slow), .timeLimit(.minutes(30)),
        .enabled(if: SlowTests.areExpected, "long: make test-slow"))
    func all() throws {
        let names = try #require(FileManager.default.enumerator(atPath: SharedData.folder)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".tif") }.sorted()
        #expect(names.count > 500)
        let folder = try TemporaryFolder()
        for name in names { try roundTrip(name, in: folder) }
    }

    private func roundTrip(_ name: String, in folder: TemporaryFolder) throws {
        let (path, tokens, out) = (SharedData.path(name), folder.file("a.pgt"), folder.file("a.tif"))
        let report = try Programs.succeed("encode", path, "-o", tokens, "--json").json()
        let size = try #require(try FileManager.default.attributesOfItem(atPath: tokens)[.size] as? Int)
        let raw = try #require(report["raw_bytes"]?.int)
        #expect(report["bytes"]?.int == size, "\(name)")
        if report["over_budget"] == .bool(false) {
            #expect(size <= raw / 300, "\(name): \(size) octets of \(raw)")
            #expect(size >= raw / 300 - max(raw / 300 * 3 / 100, 4), "\(name): \(size) octets of \(raw)")
        }
        let info = try Programs.succeed("info", tokens, "--json").json()
        guard case .object(let octets)? = info["octets"] else {
            Issue.record("\(name): info lists no octets")
            return
        }
        #expect(octets.reduce(0) { $0 + ($1.value.int ?? 0) } == size, "\(name): \(octets)")
        try Programs.succeed("decode", tokens, "-o", out)
        let quality = try Programs.succeed("compare", "--json", path, out).json()
        #expect(quality["mask_mismatches"]?.int == 0, "\(name)")
        if report["coding"] == .string("verbatim") { #expect(quality["exact"] == .bool(true), "\(name)") }
    }
}
