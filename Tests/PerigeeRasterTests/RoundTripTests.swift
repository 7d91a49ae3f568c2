import PerigeeCore
import PerigeeRaster
import PerigeeTestSupport
import Testing

private struct RealFile: CustomTestStringConvertible, Sendable {
    let path: String
    let type: SampleType
    let shape: [Int]
    let epsg: Int?
    let transform: [Double]
    let firstBand: String
    var nodata: Double?
    var datetime: String?
    var note: String?
    var testDescription: String { path }
}

private let realFiles = [
    RealFile(
        path: "worldcereal-timeseries/wc-be1_20180615.tif", type: .uint16, shape: [10, 64, 64], epsg: 32_631,
        transform: [10, 0, 501_360, 0, -10, 5_629_680], firstBand: "B02", nodata: 0, datetime: "2018-06-15T10:54:01Z"),
    RealFile(
        path: "worldcereal-timeseries-s1/wc-be1_20171111.tif", type: .int32, shape: [2, 32, 32], epsg: 32_631,
        transform: [20, 0, 501_360, 0, -20, 5_629_680], firstBand: "VV", nodata: 0, datetime: "2017-11-11T17:32:12Z"),
    RealFile(
        path: "naip-timeseries/naip-nd_20090818.tif", type: .uint8, shape: [4, 320, 320], epsg: 26_914,
        transform: [], firstBand: "R", note: "no time of day"),
    RealFile(
        path: "landsat7-olinda/olinda_nodate.tif", type: .uint8, shape: [6, 352, 349], epsg: 32_725,
        transform: [28.499999999274539, 0, 288776.250000803149305, 0, -28.499999999274539, 9120760.750028736889362],
        firstBand: "B1"),
    RealFile(
        path: "eotdl-boadella/boadella_20200113.tif", type: .uint16, shape: [12, 288, 288], epsg: 4_326, transform: [],
        firstBand: "B01", note: "no time of day"),
    RealFile(
        path: "modis-timeseries/modis-sinop_ndvi_stack.tif", type: .int16, shape: [392, 40, 40], epsg: nil,
        transform: [], firstBand: "2000-02-18", nodata: -3000, note: "no EPSG code"),
]

@Suite("Real GeoTIFF files", .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct RealFileTests {
    @Test("are read with all that they say", arguments: realFiles)
    fileprivate func reads(_ file: RealFile) throws {
        let raster = try RasterReader.read(SharedData.path(file.path))
        let description = raster.frame.description
        let samples = raster.frame.samples
        #expect(samples.type == file.type)
        #expect([samples.bands, samples.rows, samples.columns] == file.shape)
        #expect(description.georeference?.epsg == file.epsg)
        if !file.transform.isEmpty { #expect(description.georeference?.transform == file.transform) }
        #expect(description.bandNames.first == file.firstBand)
        #expect(raster.hasBandNames)
        #expect(description.nodata == file.nodata)
        #expect(description.datetime?.rfc3339 == file.datetime)
        if let note = file.note { #expect(raster.notes.contains { $0.contains(note) }, "\(raster.notes)") }
    }

    @Test("come back from a Cloud Optimized GeoTIFF unchanged", arguments: realFiles.map(\.path))
    func comesBack(path: String) throws {
        let folder = try TemporaryFolder()
        let before = try RasterReader.read(SharedData.path(path))
        try RasterWriter.writeCOG(before.frame, to: folder.file("out.tif"), metadata: ["perigee:ratio": "300"])
        let after = try RasterReader.read(folder.file("out.tif"))
        #expect(after.frame.samples == before.frame.samples)
        #expect(after.frame.description == before.frame.description)
        #expect(after.metadata["perigee_ratio"] == "300")
        #expect(try RasterInspector.isCloudOptimized(folder.file("out.tif")))
    }
}

@Suite("Frames in Cloud Optimized GeoTIFF")
struct WriterTests {
    @Test(
        "come back in every type and shape",
        arguments: SampleType.allCases, [[1, 1, 1], [1, 1, 700], [3, 700, 1], [2, 65, 33], [1, 1100, 1300]])
    func comesBack(type: SampleType, shape: [Int]) throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: 7)
        let count = shape.reduce(1, *)
        var writer = ByteWriter()
        for _ in 0..<count {
            switch type {
            case .float32: writer.write(Float.random(in: -1e9...1e9, using: &generator))
            case .uint8: writer.write(UInt8.random(in: 0...255, using: &generator))
            default: writer.write(generator.next() as UInt64, size: type.size)
            }
        }
        let samples = try Samples(
            type: type, bands: shape[0], rows: shape[1], columns: shape[2], bytes: writer.bytes)
        var description = FrameDescription(sensor: "s", bandNames: (0..<shape[0]).map { "b\($0)" })
        description.scale = 1e-4
        description.offset = -0.1
        description.nodata = 7
        description.place = "a place"
        description.platform = "p"
        description.instruments = ["i", "j"]
        description.sunElevation = 51.5
        description.datetime = Timestamp(milliseconds: 1_533_379_589_024)
        description.georeference = GeoReference(epsg: 32_733, transform: [3, 1, 100, -1, -3, 7_000_000.25])
        try RasterWriter.writeCOG(
            try Frame(description: description, samples: samples), to: folder.file("a.tif"), isCategorical: true)
        let after = try RasterReader.read(folder.file("a.tif"))
        #expect(after.frame.samples == samples)
        #expect(after.frame.description == description)
        #expect(after.notes.isEmpty)
        #expect(try RasterInspector.isCloudOptimized(folder.file("a.tif")))
    }

    @Test("float samples keep NaN and infinities, and NaN as nodata")
    func floats() throws {
        let folder = try TemporaryFolder()
        var writer = ByteWriter()
        for value: Float in [.nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude] { writer.write(value) }
        let samples = try Samples(type: .float32, bands: 1, rows: 2, columns: 3, bytes: writer.bytes)
        var description = FrameDescription(sensor: "s", bandNames: ["VV"])
        description.nodata = .nan
        try RasterWriter.writeCOG(try Frame(description: description, samples: samples), to: folder.file("a.tif"))
        let after = try RasterReader.read(folder.file("a.tif"))
        #expect(after.frame.samples == samples)
        #expect(after.frame.description.nodata?.isNaN == true)
    }

    @Test("a frame that cannot be written leaves what was there, and no other file")
    func atomic() throws {
        let folder = try TemporaryFolder()
        let samples = try Samples(type: .uint8, bands: 1, rows: 1, columns: 1, bytes: [1])
        var description = FrameDescription(sensor: "s", bandNames: ["b"])
        let first = try Frame(description: description, samples: samples)
        try RasterWriter.writeCOG(first, to: folder.file("a.tif"))
        description.georeference = GeoReference(epsg: 32_000, transform: [1, 0, 0, 0, -1, 0])
        description.georeference?.epsg = 1_999
        let second = try Frame(description: description, samples: samples)
        #expect(throws: RasterError.self) { try RasterWriter.writeCOG(second, to: folder.file("a.tif")) }
        #expect(try RasterReader.read(folder.file("a.tif")).frame == first)
        #expect(try folder.contents() == ["a.tif"])
        #expect(throws: RasterError.self) { try RasterWriter.writeCOG(first, to: folder.file("none/a.tif")) }
        #expect(throws: RasterError.self) { try RasterWriter.writeCOG(first, to: "/vsimem/a.tif") }
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ value: UInt64, size: Int) {
        for shift in 0..<size { write(UInt8((value >> UInt64(8 * shift)) & 255)) }
    }
}
