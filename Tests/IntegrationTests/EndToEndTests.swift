import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeQuality
import PerigeeRaster
import PerigeeTestSupport
import Testing

/// A real file, its sensor, and the least PSNR that its product must reach.
private struct Source: Sendable {
    let path: String
    let sensor: String
    let floor: Double
}

private let sources = [
    Source(path: "worldcereal-timeseries/wc-be1_20180506.tif", sensor: "sentinel-2-l2a", floor: 26),
    Source(path: "terramind-s2l2a/tm-282D485L33_nodate.tif", sensor: "sentinel-2-l2a", floor: 24),
    Source(path: "naip-timeseries/naip-nd_20090818.tif", sensor: "naip", floor: 20),
    Source(path: "terramind-s1rtc/tm-282D485L33_20210721.tif", sensor: "sentinel-1", floor: 15),
]

@Suite("Real files through the real programs", .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct EndToEndTests {
    @Test(
        "published GeoTIFFs come back with position, names, nodata, within their octets", .timeLimit(.minutes(10)))
    func roundTrip() async throws {
        let daemons = try Daemons(target: "100x")
        try daemons.startGateway()
        try daemons.startStation()
        for source in sources {
            try Programs.succeed(
                "publish", "--sensor", source.sensor, "--endpoint", daemons.frames, SharedData.path(source.path))
        }
        try await daemons.waitForDelivery(sources.count)
        #expect(daemons.status?["over_budget"]?.int == 0)
        #expect(daemons.stopStation() == 0)
        let products = daemons.folder.file("products")
        try Programs.succeed("render", "--archive", daemons.archive, "-o", products)
        let rasters = try #require(FileManager.default.enumerator(atPath: products)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".tif") }
        #expect(rasters.count == sources.count)
        for source in sources {
            let original = try RasterReader.read(SharedData.path(source.path))
            let product = try #require(
                try rasters.map { try RasterReader.read("\(products)/\($0)") }.first {
                    $0.frame.description.georeference == original.frame.description.georeference
                        && $0.frame.description.sensor == source.sensor
                })
            try check(product, against: original, source)
        }
        try checkSizes(daemons)
    }

    private func check(_ product: RasterFile, against original: RasterFile, _ source: Source) throws {
        let (before, after) = (original.frame, product.frame)
        #expect(after.description.bandNames == before.description.bandNames)
        #expect(after.description.georeference != nil, "\(source.path) has a position")
        #expect(after.description.datetime == before.description.datetime)
        #expect(after.samples.type == before.samples.type)
        if let nodata = before.description.nodata, !nodata.isNaN { #expect(after.description.nodata == nodata) }
        let folder = try TemporaryFolder()
        let path = folder.file("product.tif")
        try RasterWriter.writeCOG(after, to: path)
        let report = try Programs.succeed(
            "compare", "--json", "--sensor", source.sensor, SharedData.path(source.path), path
        ).json()
        #expect(report["mask_mismatches"]?.int == 0)
        let psnr = try #require(report["psnr"]?.double)
        #expect(psnr >= source.floor, "\(source.path): \(psnr) dB")
    }

    private func checkSizes(_ daemons: Daemons) throws {
        let list = try Programs.succeed("archive", "list", "--json", daemons.archive).json()
        guard case .array(let frames)? = list["frames"] else {
            Issue.record("no list of frames")
            return
        }
        let largest = try sources.map { try RasterReader.read(SharedData.path($0.path)).frame.samples.bytes.count }
            .max()
        for frame in frames { #expect(try #require(frame["bytes"]?.int) <= (largest ?? 0) / 100) }
        let status = try #require(daemons.status)
        #expect(try #require(status["saving"]?["total"]?["raw_over_packets"]?.double) >= 95)
        #expect(status["ledger"]?["balanced"] == .bool(true))
    }

    @Test("a file through encode and decode is as good as its budget allows, and prefixes of it are coarser")
    func prefixes() throws {
        let folder = try TemporaryFolder()
        let source = SharedData.path("terracodec-ssl4eos12/ssl4eos12-0173706_s1.tif")
        let tokens = folder.file("a.pgt")
        try Programs.succeed("encode", source, "-o", tokens, "--sensor", "sentinel-2-l2a", "--ratio", "100")
        let size = try #require(FileManager.default.contents(atPath: tokens)).count
        #expect(size <= 1_672_704 / 100 && size > 1_672_704 / 100 * 96 / 100)
        var last = -1.0
        for bytes in ["200", "600", "1672", "5575", "16727"] {
            let image = folder.file("\(bytes).tif")
            try Programs.succeed("decode", tokens, "-o", image, "--bytes", bytes)
            let psnr = try #require(
                try Programs.succeed("compare", "--json", "--sensor", "sentinel-2-l2a", source, image).json()["psnr"]?
                    .double)
            #expect(psnr > last, "\(bytes) octets: \(psnr) dB after \(last) dB")
            last = psnr
        }
        #expect(last > 38)
    }
}

@Suite("A gateway that dies")
struct GatewayKillTests {
    @Test("killed in the middle and started again, it has every frame", .timeLimit(.minutes(10)))
    func killed() async throws {
        let daemons = try Daemons(target: "50x")
        try daemons.startGateway()
        try daemons.startStation()
        func publish(_ first: Int, _ count: Int) throws {
            try Programs.succeed(
                "simulate", "--publish", "--endpoint", daemons.frames, "--places", "\(count)", "--first-place",
                "\(first)",
                "--rows", "128", "--columns", "128")
        }
        try publish(0, 4)
        try await daemons.wait("a first acknowledgement") { ($0["link"]?["packets_acknowledged"]?.int ?? 0) > 0 }
        try publish(4, 6)
        daemons.killGateway()
        try publish(10, 6)
        try await daemons.wait("16 frames encoded") { $0["ledger"]?["spooled"]?.int == 16 }
        try daemons.startGateway()
        try await daemons.waitForDelivery(16)
        #expect(daemons.stopStation() == 0)
        let verified = try Programs.succeed("archive", "verify", "--json", daemons.archive).json()
        #expect(verified["sound"] == .bool(true))
        let products = daemons.folder.file("products")
        try Programs.succeed("render", "--archive", daemons.archive, "-o", products)
        let rasters = try #require(FileManager.default.enumerator(atPath: products)).compactMap { $0 as? String }
        #expect(rasters.count { $0.hasSuffix(".tif") } == 16)
    }
}
