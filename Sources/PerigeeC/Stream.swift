import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON

/// Frames of one sensor, band list and size, with the strict transform and the coder for them.
final class Stream: Sendable {
    let description: StreamDescription
    let model: CodecModel
    let transform: FrameTransform
    let encoder: FrameEncoder
    let decoder: FrameDecoder

    init(_ model: Model, _ description: StreamDescription, lanes: Int) throws {
        self.description = description
        self.model = model.codec
        transform = try FrameTransform(description, model: model.codec.spectral)
        encoder = try FrameEncoder(model: model.codec, stream: description, lanes: lanes)
        decoder = try FrameDecoder(
            model: model.codec, stream: description, lanes: lanes, sampleLimit: StreamDescription.frameLimit)
    }

    var tileCount: Int { TileGrid(rows: description.rows, columns: description.columns).count }

    /// Octets of one frame's samples.
    var sampleSize: Int { sampleCount * description.sampleType.size }
    var sampleCount: Int { description.bands.count * description.rows * description.columns }

    func samples(_ pointer: UnsafePointer<UInt8>?, _ size: Int) throws -> Samples {
        guard size == sampleSize else {
            throw CallError(description: "samples are \(size) octets, the stream has \(sampleSize) a frame")
        }
        return try Samples(
            type: description.sampleType, bands: description.bands.count, rows: description.rows,
            columns: description.columns, bytes: octets(pointer, size, "the octets of samples"))
    }
}

extension StreamDescription {
    /// Octets of one frame at most.
    static let frameLimit = 1 << 31

    /// From JSON: `rows`, `columns`, `profile` (a name in the bundle, or an object as in a manifest), and optionally
    /// `bands` (names, in the order of the samples), `sampleType`, `nodata` (a number, "nan" or "none"), `scale`, `offset`.
    init(json bytes: [UInt8], model: Model) throws {
        let json = try JSONValue(parsing: bytes[...], depthLimit: 8)
        let profile: SensorProfile
        switch json["profile"] {
        case .string(let name)?:
            guard let found = model.profiles.first(where: { $0.name == name }) else {
                throw CallError(description: "no profile \(name) in the bundle")
            }
            profile = found
        case .some(let object): profile = try SensorProfile(parsingManifest: object)
        case nil: throw CallError(description: "profile is absent: give a name or an object")
        }
        var chosen = Array(profile.bands.indices)
        if case .array(let names)? = json["bands"] {
            chosen = try names.map { name in
                guard let index = profile.bands.firstIndex(where: { .string($0.name) == name }) else {
                    throw CallError(description: "no band \(name) in profile \(profile.name)")
                }
                return index
            }
        }
        guard let rows = json["rows"]?.int, let columns = json["columns"]?.int, rows > 0, columns > 0,
            rows <= DeclarationLimit.side, columns <= DeclarationLimit.side
        else { throw CallError(description: "rows and columns must be 1 to \(DeclarationLimit.side)") }
        var declaration = StreamDeclaration(
            firmware: model.firmware,
            profile: Self.reference(to: profile, bands: chosen, profiles: model.profiles), rows: rows,
            columns: columns)
        if case .string(let name)? = json["sampleType"] {
            guard let type = SampleType(name: name) else {
                throw CallError(description: "sampleType is \(name), expected a NumPy name")
            }
            declaration.sampleType = type
        }
        switch json["nodata"] {
        case nil, .null?: break
        case .string("none")?: declaration.nodata = .none
        case .string("nan")?: declaration.nodata = .value(.nan)
        case .some(let value):
            guard let number = value.double else { throw CallError(description: "nodata is no number") }
            declaration.nodata = .value(number)
        }
        if json["scale"] != nil || json["offset"] != nil {
            declaration.scaling = StreamDeclaration.Scaling(
                scale: json["scale"]?.double ?? profile.scale, offset: json["offset"]?.double ?? profile.offset)
        }
        self = try StreamDescription(declaration, profiles: model.profiles)
        _ = try rawSize(limit: Self.frameLimit)
    }

    private static func reference(
        to profile: SensorProfile, bands: [Int], profiles: [SensorProfile]
    ) -> StreamDeclaration.Profile {
        guard let index = profiles.firstIndex(of: profile) else {
            var spelled = profile
            spelled.bands = bands.map { profile.bands[$0] }
            return .inline(spelled)
        }
        return .known(index: index, bands: bands)
    }
}

/// Opens a stream of frames from its JSON description (see `StreamDescription.init(json:model:)`). `lanes`: threads that
/// code tiles, at least 1.
@_cdecl("perigee_stream_open")
public func openStream(
    _ model: UnsafeMutableRawPointer?, _ json: UnsafePointer<UInt8>?, _ size: Int, _ lanes: Int,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> UnsafeMutableRawPointer? {
    callForHandle(message, capacity) {
        let model = try object(model, as: Model.self)
        let description = try StreamDescription(json: octets(json, size, "the description"), model: model)
        return try Stream(model, description, lanes: max(1, min(lanes, 256)))
    }
}

/// Writes to `order`, which has room for every band, the index in the samples of the band that is coded at each place.
@_cdecl("perigee_stream_coding_order")
public func codingOrder(
    _ stream: UnsafeMutableRawPointer?, _ order: UnsafeMutablePointer<Int64>?,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let stream = try object(stream, as: Stream.self)
        guard let order else { throw CallError(description: "the order is null") }
        for (place, band) in stream.description.codingOrder.enumerated() { order[place] = Int64(band) }
        return stream.description.codingOrder.count
    }
}
