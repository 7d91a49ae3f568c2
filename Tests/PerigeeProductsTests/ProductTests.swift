import Foundation
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeProducts
import PerigeeRaster
import PerigeeTestSupport
import Testing

private func item(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(filePath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
}

@Suite("Products")
struct ProductTests {
    private let folder: TemporaryFolder
    private let writer: ProductWriter
    private var decoder = StreamDecoder(store: FirmwareStore(directory: firmwareFolder))

    init() throws {
        folder = try TemporaryFolder()
        writer = ProductWriter(folder: folder.file("products"))
    }

    @Test("a frame becomes a Cloud Optimized GeoTIFF with everything that is known of it")
    mutating func product() throws {
        let original = try frame()
        let file = try tokens(original, profile: try profile("sentinel-2-l2a"))
        let product = try writer.write(try decoder.decode(file), facts(file))
        #expect(product.raster.hasSuffix("/lab/07070707070707070707070707070707/20180615T105401Z_000000000005.tif"))
        #expect(try RasterInspector.isCloudOptimized(product.raster))
        let raster = try RasterReader.read(product.raster)
        let description = raster.frame.description
        #expect(description.georeference == original.description.georeference)
        #expect(description.bandNames == ["B04", "B03", "B08"])
        #expect(description.nodata == 0 && description.scale == 1e-4 && description.offset == 0)
        #expect(description.datetime == original.description.datetime && description.place == "wc-be1")
        #expect(raster.metadata["TIFFTAG_DATETIME"] == "2018:06:15 10:54:01")
        let properties = try #require(try item(product.item)["properties"] as? [String: Any])
        #expect(properties["datetime"] as? String == "2018-06-15T10:54:01Z")
        #expect(properties["proj:code"] as? String == "EPSG:32631")
        #expect(properties["perigee:layer_bytes"] as? [Int] == file.layers.map(\.count))
        #expect(properties["perigee:ratio"] as? Double == 11.52)
        #expect(properties["gsd"] as? Double == 10)
        #expect(try folder.contents() == ["products"])
    }

    @Test("finer layers come nearer to the original")
    mutating func layers() throws {
        let original = try frame()
        let file = try tokens(original, profile: try profile("sentinel-2-l2a"))
        func error(_ count: Int) throws -> Int {
            let samples = try decoder.decode(file, layerCount: count).frame.samples
            return zip(samples.bytes, original.samples.bytes).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        }
        let errors = try [error(0), error(1), error(3)]
        #expect(errors[0] > errors[1] && errors[1] > errors[2])
    }

    @Test("what is unknown stays unknown: no time, no position")
    mutating func unknown() throws {
        var original = try frame()
        original.description.datetime = nil
        original.description.georeference = nil
        original.description.sunElevation = nil
        let file = try tokens(original, profile: try profile("sentinel-2-l2a"))
        let product = try writer.write(try decoder.decode(file), facts(file))
        #expect(product.raster.hasSuffix("/undated_000000000005.tif"))
        let item = try item(product.item)
        let properties = try #require(item["properties"] as? [String: Any])
        #expect(item["geometry"] is NSNull && item["bbox"] == nil)
        #expect(properties["datetime"] is NSNull && properties["proj:code"] is NSNull)
        #expect(properties["start_datetime"] as? String == "2023-11-14T22:13:20Z")
        #expect(properties["end_datetime"] as? String == "2023-11-14T22:13:21Z")
        #expect(properties["view:sun_elevation"] == nil)
        let extensions = try #require(item["stac_extensions"] as? [String])
        #expect(extensions.count == 4 && !extensions.contains { $0.contains("/view/") })
        #expect(try RasterReader.read(product.raster).frame.description.georeference == nil)
    }

    @Test("a position that means nothing is left out with a note, the samples stay")
    mutating func badPosition() throws {
        var original = try frame()
        original.description.georeference = GeoReference(epsg: 1_999, transform: [10, 0, 0, 0, -10, 0])
        let file = try tokens(original, profile: try profile("sentinel-2-l2a"))
        let product = try writer.write(try decoder.decode(file), facts(file))
        #expect(product.notes.count == 1)
        #expect(try RasterReader.read(product.raster).frame.description.georeference == nil)
    }

    @Test("a sensor that nobody knows travels verbatim and comes back exactly")
    mutating func verbatim() throws {
        let original = try frame(sensor: "../../etc/passwd", bands: ["x/y", "z"])
        let file = try tokens(original, profile: nil)
        let product = try writer.write(try decoder.decode(file), facts(file))
        #expect(try RasterReader.read(product.raster).frame.samples == original.samples)
        #expect(product.item.hasPrefix(folder.path))
        let identifier = try #require(try item(product.item)["id"] as? String)
        #expect(identifier == "------etc-passwd_20180615T105401Z_000000000005_0707070707070707")
    }

    @Test("a station's name cannot leave the folder of products", arguments: ["..", "../../x", "/etc", "", "A b\0"])
    mutating func names(station: String) throws {
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        var facts = facts(file)
        facts.station = station
        let name = ProductName(facts, metadata: file.metadata)
        #expect(name.folder.split(separator: "/").count == 2)
        #expect(name.folder.utf8.allSatisfy { $0 == 0x2F || $0 == 0x2D || (0x30...0x7A).contains($0) })
        #expect(!name.folder.contains("..") && !name.folder.hasPrefix("/"))
    }

    @Test("a limit of samples is kept before anything is decoded")
    func limit() throws {
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        var small = StreamDecoder(store: FirmwareStore(directory: firmwareFolder), sizeLimit: 11_519)
        #expect(throws: ProductError.self) { _ = try small.decode(file) }
        var enough = StreamDecoder(store: FirmwareStore(directory: firmwareFolder), sizeLimit: 11_520)
        #expect(try enough.decode(file).frame.samples.bytes.count == 11_520)
    }

    @Test(
        "items are valid STAC by pystac",
        .enabled(if: PythonScript.isExpected, "no Python: run Scripts/python-environment"))
    mutating func stac() throws {
        let profile = try profile("sentinel-2-l2a")
        let positions: [GeoReference?] = [
            GeoReference(epsg: 32_631, transform: [10, 0, 501_360, 0, -10, 5_629_680]), nil,
            GeoReference(epsg: 4_326, transform: [0.1, 0, 178, 0, -0.1, 10]),
            GeoReference(epsg: 3_031, transform: [10_000, 0, -250_000, 0, -10_000, 250_000]),
        ]
        for (index, position) in positions.enumerated() {
            var original = try frame()
            original.description.georeference = position
            if index == 1 { original.description.datetime = nil }
            var file = try tokens(original, profile: profile)
            file.frame = UInt64(index)
            _ = try writer.write(try decoder.decode(file), facts(file))
        }
        let (status, output) = try PythonScript.run("check_stac.py", [writer.folder])
        #expect(status == 0, "\(output)")
        #expect(output.split(separator: "\n").count == positions.count, "\(output)")
        #expect(output.contains("\"code\": \"EPSG:32631\"") && output.contains("\"sun_elevation\": 60.5"))
    }
}

@Suite("Products of real files", .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct RealProductTests {
    @Test(
        "keep georeference and band names",
        arguments: [
            ("worldcereal-timeseries/wc-be1_20180615.tif", "sentinel-2-l2a"),
            ("naip-timeseries/naip-nd_20090818.tif", "naip"), ("landsat7-olinda/olinda_nodate.tif", "landsat-7-etm"),
            ("eotdl-boadella/boadella_20200113.tif", "sentinel-2-l2a"),
        ])
    func georeference(path: String, sensor: String) throws {
        let folder = try TemporaryFolder()
        let original = try RasterReader.read(SharedData.path(path)).frame
        let known = try profile(sensor)
        let file = try tokens(original, profile: known, budgets: [200, 2_000])
        var decoder = StreamDecoder(store: FirmwareStore(directory: firmwareFolder), lanes: 2)
        let product = try ProductWriter(folder: folder.path).write(try decoder.decode(file), facts(file))
        let after = try RasterReader.read(product.raster).frame.description
        #expect(after.georeference == original.description.georeference)
        #expect(after.bandNames == original.description.bandNames)
        #expect(after.nodata == original.description.nodata ?? known.nodata)
        #expect(after.datetime == original.description.datetime)
    }
}
