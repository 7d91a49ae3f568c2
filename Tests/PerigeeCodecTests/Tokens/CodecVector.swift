import Foundation
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeTestSupport

/// One golden frame in `Tests/Vectors/codec/3`: what was coded, the octets, and what each prefix decodes to. Binary fields are
/// hexadecimal, little-endian.
struct CodecVector: Codable, Equatable {
    struct BandEntry: Codable, Equatable {
        var name: String
        var wavelength: Double?
        var gsd: Double?

        init(_ band: Band) {
            (name, wavelength, gsd) = (band.name, band.centerWavelength, band.groundSamplingDistance)
        }
    }

    /// The first layers, the last of them cut; and the samples that they decode to, where the model is a bundle as
    /// "sha256:" and their digest.
    struct Prefix: Codable, Equatable {
        var layers: Int
        var lastSize: Int
        var samples: String
    }

    var name: String
    /// "untrained": tensors of `tensors.json`, no `tokens/`. Else the folder of the bundle.
    var model: String
    /// Identity of the bundle, hexadecimal; absent for untrained tensors.
    var firmware: String?
    var sensor: String?
    var bands: [BandEntry]
    var type: String
    var rows: Int
    var columns: Int
    var peak: Double
    var scale: Double
    var nodata: Double?
    /// Samples that were encoded: [bands][rows][columns].
    var samples: String
    /// What the token coder was given, int32 [components][rows][columns], Mallat layout.
    var coefficients: String
    /// Frame head of the first layer.
    var head: String
    var budgets: [Int]
    /// Of a predicted frame; the coefficients are those that its prediction leaves.
    var history: HistoryEntry?
    /// Bounds by band of the samples, where the last layer is a residual one.
    var bounds: [Double]?
    var layers: [String]
    var prefixes: [Prefix]
}

/// The list of files with their digests, and how they were made.
struct VectorManifest: Codable {
    var format: String
    var version: Int
    var origin: String
    var command: String
    var files: [String: String]
}

/// Golden vectors on disk.
enum VectorFolder {
    /// Version of the packet format whose streams they hold; `make golden` reads it here.
    static let version = 3
    static let path = SharedData.packageRoot + "/Tests/Vectors/codec/\(version)"
    static let command = "make golden"

    static func read(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: path + "/" + name)) }

    static func manifest() throws -> VectorManifest {
        try JSONDecoder().decode(VectorManifest.self, from: read("manifest.json"))
    }

    static func digest(_ data: Data) -> String { Hex.text(SHA256.digest(Array(data))) }

    static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(value) + [10]
    }
}

extension CodecVector {
    var stream: StreamDescription {
        get throws {
            let type = SampleType(name: type) ?? .uint16
            let profile = SensorProfile(
                name: sensor ?? "vector",
                bands: bands.map {
                    Band(name: $0.name, centerWavelength: $0.wavelength, groundSamplingDistance: $0.gsd)
                },
                sampleType: type, scale: scale, nodata: nodata, peak: peak)
            return try StreamDescription(
                StreamDeclaration(firmware: 0, profile: .inline(profile), rows: rows, columns: columns), profiles: [])
        }
    }

    var codecModel: CodecModel {
        get throws {
            try CodecModel(tensors: bundle?.tensors ?? sampleTensors())
        }
    }

    var bound: ErrorBound? { bounds.map { .byBand($0) } }

    /// What a prefix says of its samples.
    func text(_ decoded: Samples) -> String {
        firmware == nil ? Hex.text(decoded.bytes) : "sha256:" + Hex.text(SHA256.digest(decoded.bytes))
    }

    /// The bundle that `model` names; nil for untrained tensors.
    var bundle: FirmwareBundle? {
        get throws {
            guard model != "untrained" else { return nil }
            return try FirmwareBundle.load(directory: SharedData.packageRoot + "/" + model)
        }
    }

    /// Samples, coefficients, layers and prefixes as they come out now.
    mutating func remake(_ original: Samples) throws {
        let (stream, model) = (try stream, try codecModel)
        samples = Hex.text(original.bytes)
        let validity = try FrameTransform(stream, model: model.spectral).validity(of: original)
        let (planes, choice) = try predicted(original)
        let integers = planes.values.map { Int32($0) }
        coefficients = Hex.text(octets(integers))
        let reference = try reference()
        let encoder = try FrameEncoder(model: model, stream: stream, lanes: 1)
        let made =
            if history != nil, bounds == nil {
                try layers(
                    coefficients: integers, choice: choice, validity: validity, head: head(choice, validity))
            } else {
                try encoder.encode(original, budgets: budgets, reference: reference, bound: bound).layers
            }
        layers = made.map { Hex.text($0) }
        let first = made.first { !$0.isEmpty } ?? []
        let mode = Int(first.first ?? 0) & 15
        let extensionSize = bounds == nil ? 0 : 1
        head = Hex.text(
            first.prefix(1 + extensionSize + SpectralChoice.parameterSize(mode: mode, bands: bands.count)))
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: 1)
        prefixes = []
        for count in 1...made.count {
            let size = made[count - 1].count
            for last in Set([size / 3, size - 1, size]).sorted() where last >= 0 {
                let kept = made.prefix(count - 1).map { $0[...] } + [made[count - 1].prefix(last)]
                let decoded = try decoder.decode(layers: kept, reference: reference)
                prefixes.append(Prefix(layers: count, lastSize: last, samples: text(decoded)))
            }
        }
    }
}
