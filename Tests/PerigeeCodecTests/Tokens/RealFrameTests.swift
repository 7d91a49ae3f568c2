import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeQuality
import PerigeeRaster
import PerigeeTestSupport
import Testing

@Suite("real frames", .enabled(if: SharedData.isExpected, "no sample data"))
struct RealFrameTests {
    private let original: Samples
    private let stream: StreamDescription
    private let model: CodecModel

    init() throws {
        let bundle = try FirmwareBundle.load(directory: SharedData.packageRoot + "/Firmware/perigee-1")
        model = try CodecModel(tensors: bundle.tensors)
        let file = try RasterReader.read(SharedData.path("terracodec-ssl4eos12/ssl4eos12-0121563_s1.tif"))
        original = file.frame.samples
        let profile = try #require(bundle.profiles.first { $0.name == "sentinel-2-l2a" })
        let description = FrameDescription(sensor: profile.name, bandNames: profile.bands.map(\.name))
        let declaration = try StreamDeclaration.declare(
            description, shape: original, profile: profile, firmware: bundle.id, profiles: bundle.profiles
        ).declaration
        stream = try StreamDescription(declaration, profiles: bundle.profiles)
    }

    private func psnr(_ decoded: Samples) throws -> Double {
        let conditions = Quality.Conditions(peak: stream.peak, nodata: stream.nodata, bands: stream.bands)
        return try #require(try Quality.compare(original, decoded, conditions).psnr)
    }

    @Test("quality does not fall from prefix to prefix")
    func prefixes() throws {
        let frame = try FrameEncoder(model: model, stream: stream, lanes: 1).encode(
            original, budgets: [original.bytes.count / 100])
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: 1)
        var best = 0.0
        var length = 0.0
        while Int(length) <= frame.size {
            let quality = try psnr(decoder.decode(layers: [frame.layers[0].prefix(Int(length))]))
            #expect(quality >= best - 0.01, "at \(Int(length)) octets")
            best = max(best, quality)
            length = length * 1.2 + 1
        }
        #expect(best > 45)
    }

    @Test("each layer meets its budget, and has the quality of the place's frames")
    func quality() throws {
        let budgets = LayerLadder.budgets(rawSize: original.bytes.count, target: 100, overhead: 2)
        let frame = try FrameEncoder(model: model, stream: stream, lanes: 1).encode(original, budgets: budgets)
        #expect(
            frame.layers.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }.dropFirst().elementsEqual(budgets))
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: 1)
        // A little below what untrained tables reach, so that only a fault falls below.
        for (layers, least) in [(1, 30.5), (2, 34), (3, 37.5), (4, 42), (5, 46.5)] {
            let quality = try psnr(decoder.decode(layers: frame.layers.prefix(layers).map { $0[...] }))
            #expect(quality > least, "\(layers) layers")
        }
    }
}
