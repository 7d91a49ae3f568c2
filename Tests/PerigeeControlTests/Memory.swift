import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeTestSupport

/// What both ends know of one place: its newest clear look, as it went over the line.
struct Memory {
    private let encoder: FrameEncoder
    private let decoder: FrameDecoder
    private let stream: StreamDescription
    private let model: CodecModel
    private let budgets: [Int]
    private(set) var latest: Samples?
    private var depth = 0

    /// Of frames like this one, which take so many octets less than their samples.
    init(ratio: Int, of frame: Frame) throws {
        let bundle = try FirmwareBundle.load(directory: SharedData.packageRoot + "/Firmware/perigee-1")
        model = try CodecModel(tensors: bundle.tensors)
        let (declaration, _) = try StreamDeclaration.declare(
            FrameDescription(sensor: sentinel2.name, bandNames: frame.description.bandNames), shape: frame.samples,
            profile: bundle.profiles.first { $0.name == sentinel2.name }, firmware: bundle.id, profiles: bundle.profiles
        )
        stream = try StreamDescription(declaration, profiles: bundle.profiles)
        encoder = try FrameEncoder(model: model, stream: stream, lanes: 1)
        decoder = try FrameDecoder(model: model, stream: stream, lanes: 1)
        budgets = ([10_000, 3_000, 1_000].filter { $0 > ratio } + [ratio]).map { frame.samples.bytes.count / $0 }
    }

    /// Codes a look with the one before, and decodes it as the far end does.
    mutating func send(_ samples: Samples) throws {
        // where a chain is full a frame comes plain
        let reference = try depth < FrameMetadata.References.depthLimit ? latest.map(reference) : nil
        let frame = try encoder.encode(samples, budgets: budgets, reference: reference)
        latest = try decoder.decode(
            layers: frame.layers.map { $0[...] }, reference: frame.isPredicted ? reference : nil)
        depth = frame.isPredicted ? depth + 1 : 0
    }

    private func reference(_ samples: Samples) throws -> FrameReference {
        try FrameReference([.init(samples: samples, stream: stream, row: 0, column: 0)], of: stream, model: model)
    }
}
