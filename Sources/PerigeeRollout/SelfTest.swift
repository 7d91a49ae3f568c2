import PerigeeCodec
import PerigeeCore
public import PerigeeFirmware
import PerigeeJSON

/// Frames that a bundle is tried with before it is trusted with real ones: `selftest.json` of a bundle.
///
/// Decoding must give the very same samples, encoding must be about as good as where the bundle was made: encoders may
/// differ in the last bits between machines (Docs/packet-format.md, "Strict arithmetic"), decoders may not.
public struct SelfTest: Equatable, Sendable {
    /// Octets of `selftest.json`, frames in it, and samples of a frame.
    public static let sizeLimit = 1 << 20, frameLimit = 8, sampleLimit = 1 << 20
    private static let format = 1

    /// One frame.
    public struct Frame: Equatable, Sendable {
        /// Name of a profile of the bundle; the frame has all of its bands.
        let profile: String
        let rows: Int
        let columns: Int
        /// The last layer brings every sample back as it was.
        let isLossless: Bool
        let layers: [[UInt8]]
        /// SHA-256 of the decoded samples.
        let digest: [UInt8]
        /// Mean squared error of those samples after encoding them again within the octets of `layers`.
        let error: Double
    }

    public let frames: [Frame]

    init(frames: [Frame]) { self.frames = frames }

    /// Reads `selftest.json`.
    public init(parsing bytes: [UInt8]) throws(FirmwareError) {
        guard bytes.count <= Self.sizeLimit else {
            throw .outOfRange(
                field: "\(FirmwareManifest.selfTestFile) size", value: bytes.count, limit: Self.sizeLimit)
        }
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes[...], depthLimit: 6) } catch {
            throw Self.unusable("", "\(error.problem) at octet \(error.offset)", "JSON")
        }
        guard json["format"]?.int == Self.format else {
            throw Self.unusable("format", json["format"]?.description ?? "absent", "\(Self.format)")
        }
        guard case .array(let items)? = json["frames"], (1...Self.frameLimit).contains(items.count) else {
            throw Self.unusable("frames", "none, or too many", "1 to \(Self.frameLimit)")
        }
        frames = try items.enumerated().map { (index, item) throws(FirmwareError) in
            guard let frame = Frame(item) else {
                throw Self.unusable("frames[\(index)]", "incomplete", "a frame as `perigee firmware pack` writes it")
            }
            return frame
        }
    }

    private static func unusable(_ field: String, _ found: String, _ expected: String) -> FirmwareError {
        .unusable(field: "\(FirmwareManifest.selfTestFile) \(field)", found: found, expected: expected)
    }

    /// The octets of `selftest.json`.
    public var octets: [UInt8] {
        let json = JSONValue.object([
            "format": .integer(Self.format), "frames": .array(frames.map(\.json)),
        ])
        return Array((json.indented + "\n").utf8)
    }

    /// Tries a bundle with the frames that it brought. Takes some milliseconds and megabytes.
    public static func run(_ bundle: FirmwareBundle) throws(RolloutError) {
        guard let octets = bundle.selfTest else { throw .untested }
        let test: SelfTest
        do throws(FirmwareError) { test = try SelfTest(parsing: octets) } catch { throw .firmware(error) }
        try test.run(bundle)
    }

    /// Tries a packed bundle, whose files are checked first.
    public static func run(_ packed: PackedBundle) throws(RolloutError) {
        try run(firmware { () throws(FirmwareError) in try FirmwareBundle.load(packed) })
    }

    func run(_ bundle: FirmwareBundle) throws(RolloutError) {
        let model = try SelfTestCodec.model(bundle)
        for (index, frame) in frames.enumerated() {
            let codec = try SelfTestCodec(frame, index: index, bundle, model)
            let samples = try codec.decode(frame.layers)
            let digest = SHA256.digest(samples.bytes)
            guard digest == frame.digest else {
                throw .decoded(frame: index, found: digest, expected: frame.digest)
            }
            let error = try codec.errorAfterEncoding(samples, like: frame.layers, isLossless: frame.isLossless)
            // an encoder on another machine may choose a little differently
            let limit = frame.isLossless ? 0 : frame.error * 1.25 + 1
            guard error <= limit else { throw .encoded(frame: index, error: error, limit: limit) }
        }
    }
}

extension SelfTest.Frame {
    fileprivate init?(_ json: JSONValue) {
        guard case .string(let profile)? = json["profile"], let rows = json["rows"]?.int,
            let columns = json["columns"]?.int, (1...4_096).contains(rows), (1...4_096).contains(columns),
            rows * columns <= SelfTest.sampleLimit, case .bool(let isLossless)? = json["lossless"],
            case .array(let items)? = json["layers"], (1...16).contains(items.count),
            case .string(let digestText)? = json["samples"], let digest = Hex.bytes(digestText), digest.count == 32,
            let error = json["error"]?.double, error.isFinite, error >= 0
        else { return nil }
        var layers: [[UInt8]] = []
        for item in items {
            guard case .string(let text) = item, let octets = Hex.bytes(text) else { return nil }
            layers.append(octets)
        }
        self.init(
            profile: profile, rows: rows, columns: columns, isLossless: isLossless, layers: layers, digest: digest,
            error: error)
    }

    fileprivate var json: JSONValue {
        .object([
            "profile": .string(profile), "rows": .integer(rows), "columns": .integer(columns),
            "lossless": .bool(isLossless), "layers": .strings(layers.map { Hex.text($0) }),
            "samples": .string(Hex.text(digest)), "error": .number(error),
        ])
    }
}
