import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeRaster
import PerigeeTestSupport
import Testing

/// Real dates of one place, coded with `--reference`.
@Suite(
    "Frames predicted from earlier ones through the tool",
    .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct ReferenceToolTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func source(_ date: String) -> String {
        SharedData.path("worldcereal-timeseries/wc-be1_\(date).tif")
    }

    @discardableResult
    private func encode(_ date: String, _ name: String, _ words: String...) throws -> JSONValue {
        let outcome = try Programs.perigee(
            ["encode", source(date), "-o", folder.file(name), "--sensor", "sentinel-2-l2a", "--json"] + words)
        try #require(outcome.code == 0, "\(outcome)")
        return try outcome.json()
    }

    private func decode(_ name: String, _ words: String...) throws -> Programs.Outcome {
        try Programs.perigee(["decode", folder.file(name), "-o", folder.file("\(name).tif")] + words)
    }

    private func psnr(_ date: String, _ name: String) throws -> Double {
        let report = try Programs.succeed(
            "compare", "--json", "--sensor", "sentinel-2-l2a", source(date), folder.file("\(name).tif")
        ).json()
        return try #require(report["psnr"]?.double)
    }

    @Test("an earlier frame brings more of the scene in the same octets, and info says what for")
    func gain() throws {
        try encode("20180205", "key.pgt", "--bytes", "900")
        try encode("20180208", "plain.pgt", "--bytes", "400")
        let key = folder.file("key.pgt")
        let made = try encode("20180208", "next.pgt", "--bytes", "400", "--reference", key)
        #expect(made["references"] == .array([.string(key)]))
        #expect(try #require(made["bytes"]?.int) <= 400)
        #expect(try decode("plain.pgt").code == 0)
        #expect(try decode("next.pgt", "--reference", key).code == 0)
        #expect(try psnr("20180208", "next.pgt") > psnr("20180208", "plain.pgt") + 0.3)

        let info = try Programs.succeed("info", "--json", folder.file("next.pgt")).json()
        // no number: the key is of another epoch; its sixth layer is finer than 100x
        #expect(
            info["references"]?["frames"] == .array([.object(["back": .null, "layers": .integer(5)])]), "\(info)")
        #expect(try #require(info["tokens"]?["prediction"]?.double) > 0)
        #expect(info["references"]?["hash"]?.string?.count == 8)
        let text = try Programs.succeed("info", folder.file("next.pgt")).output
        #expect(text.contains("reference ") && text.contains("prediction"), "\(text)")
        #expect(try Programs.succeed("info", "--json", key).json()["references"] == .null)
    }

    @Test("what is decoded of a predicted frame says whether its history dominates, plain frames say nothing of it")
    func history() throws {
        try encode("20180205", "key.pgt", "--bytes", "900")
        let key = folder.file("key.pgt")
        try encode("20180208", "next.pgt", "--bytes", "400", "--reference", key)
        func mark(_ name: String, _ words: [String] = []) throws -> (json: JSONValue?, item: String?) {
            let outcome = try Programs.perigee(
                ["decode", folder.file(name), "-o", folder.file("\(name).tif"), "--json"] + words)
            try #require(outcome.code == 0, "\(outcome)")
            return (
                try outcome.json()["history"],
                try RasterReader.read(folder.file("\(name).tif")).metadata["perigee_history"]
            )
        }
        // layer 0 ends at 10,000x of 64 x 64 samples of ten bands
        for (words, expected) in [(["--layers", "1"], "history-dominated"), ([], "predicted")] {
            let found = try mark("next.pgt", ["--reference", key] + words)
            #expect(found.json == .string(expected) && found.item == expected, "\(found)")
        }
        let plain = try mark("key.pgt", ["--layers", "1"])
        #expect(plain.json == .null && plain.item == nil, "\(plain)")
        let info = try Programs.succeed("info", "--json", folder.file("next.pgt")).json()
        #expect(info["history"] == .string("predicted"))
    }

    @Test("references of references are needed too, in any order, and a window comes out as in the whole")
    func chain() throws {
        try encode("20180205", "a.pgt", "--bytes", "900")
        let (a, b) = (folder.file("a.pgt"), folder.file("b.pgt"))
        try encode("20180208", "b.pgt", "--bytes", "400", "--reference", a)
        // a shows no ground that b does not: it is there for b's sake and not named
        let made = try encode("20180218", "c.pgt", "--bytes", "400", "--reference", b, "--reference", a)
        #expect(made["references"] == .array([.string(b)]))
        #expect(try decode("c.pgt", "--reference", b, "--reference", a).code == 0)
        let whole = try RasterReader.read(folder.file("c.pgt.tif")).frame.samples
        #expect(try decode("c.pgt", "--reference", a, "--reference", b, "--window", "10,20,30,40").code == 0)
        let window = try RasterReader.read(folder.file("c.pgt.tif")).frame.samples
        var cut: [UInt8] = []
        for band in 0..<whole.bands {
            for row in 20..<60 {
                let start = 2 * ((band * whole.rows + row) * whole.columns + 10)
                cut += whole.bytes[start..<start + 60]
            }
        }
        #expect(cut == Array(window.bytes))
    }

    @Test("a missing or wrong reference is an error that names the file, the hash and the remedy")
    func missing() throws {
        try encode("20180205", "a.pgt", "--bytes", "900")
        try encode("20180225", "other.pgt", "--bytes", "900")
        let (a, b) = (folder.file("a.pgt"), folder.file("b.pgt"))
        try encode("20180208", "b.pgt", "--bytes", "400", "--reference", a)
        try encode("20180218", "c.pgt", "--bytes", "400", "--reference", b, "--reference", a)
        let info = try Programs.succeed("info", "--json", b).json()
        let hash = try #require(info["references"]?["hash"]?.string)

        let without = try decode("b.pgt")
        #expect(without.code == 65 && without.errors.contains("b.pgt: ") && without.errors.contains(hash))
        #expect(without.errors.contains("--reference FILE"), "\(without.errors)")
        let differing = try decode("b.pgt", "--reference", folder.file("other.pgt"))
        #expect(differing.code == 65 && differing.errors.contains(hash), "\(differing.errors)")
        #expect(differing.errors.contains("make another one"))
        // what c is predicted from is here; what that is predicted from is not
        let half = try decode("c.pgt", "--reference", b)
        #expect(half.code == 65 && half.errors.contains("b.pgt: ") && half.errors.contains(hash), "\(half.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("b.pgt.tif")))
        let encoding = try Programs.perigee([
            "encode", source("20180218"), "-o", folder.file("d.pgt"), "--sensor", "sentinel-2-l2a", "--reference", b,
        ])
        #expect(encoding.code == 65 && encoding.errors.contains(hash), "\(encoding.errors)")

        try Data("no tokens".utf8).write(to: URL(filePath: folder.file("bad.pgt")))
        let bad = try decode("b.pgt", "--reference", folder.file("bad.pgt"))
        #expect(bad.code == 65 && bad.errors.contains("bad.pgt: magic"), "\(bad.errors)")
        let absent = try decode("b.pgt", "--reference", folder.file("absent.pgt"))
        #expect(absent.code == 69 && absent.errors.contains("absent.pgt"), "\(absent.errors)")
    }

    @Test("a frame without position needs the same place; another place's frame is said to show nothing")
    func place() throws {
        var frame = try RasterReader.read(source("20180208")).frame
        frame.description.georeference = nil
        frame.description.sensor = "sentinel-2-l2a"
        let bare = folder.file("bare.tif")
        try RasterWriter.writeCOG(frame, to: bare)
        func encode(_ name: String, _ words: String...) throws -> JSONValue {
            let outcome = try Programs.perigee(
                ["encode", bare, "-o", folder.file(name), "--json", "--bytes", "500"] + words)
            try #require(outcome.code == 0, "\(outcome)")
            return try outcome.json()
        }
        _ = try encode("key.pgt", "--place", "field")
        let key = folder.file("key.pgt")
        #expect(try encode("same.pgt", "--place", "field", "--reference", key)["references"] == .array([.string(key)]))
        for words in [["--place", "wood"], []] {
            let outcome = try Programs.perigee(
                ["encode", bare, "-o", folder.file("other.pgt"), "--bytes", "500", "--reference", key] + words)
            #expect(outcome.code == 0 && outcome.errors.contains("no reference shows ground"), "\(outcome)")
            #expect(try decode("other.pgt").code == 0)
        }
    }

    @Test("a lossless frame may be predicted, and comes back as it was; a lossless one serves by its coarse layers")
    func lossless() throws {
        try encode("20180205", "a.pgt", "--lossless")
        let made = try encode("20180208", "b.pgt", "--lossless", "--reference", folder.file("a.pgt"))
        #expect(try decode("b.pgt", "--reference", folder.file("a.pgt")).code == 0)
        let report = try Programs.succeed(
            "compare", "--json", "--sensor", "sentinel-2-l2a", source("20180208"), folder.file("b.pgt.tif")
        ).json()
        #expect(report["exact"] == .bool(true), "\(made)")
    }
}
