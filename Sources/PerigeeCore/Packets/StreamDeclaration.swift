/// What all frames of one stream have in common, sent once and named by a number afterwards.
/// Source: Docs/packet-format.md, "Declaration".
public struct StreamDeclaration: Equatable, Sendable {
    /// Where the sensor's profile is written.
    public enum Profile: Equatable, Sendable {
        /// Index into the profiles of the firmware that the declaration names, and the frame's bands as indices into it,
        /// in the order of the samples.
        case known(index: Int, bands: [Int]?)
        /// Spelled out; its bands are the frame's bands in the order of the samples.
        case inline(SensorProfile)
    }

    /// How the samples are coded.
    public enum Coding: UInt8, Sendable {
        /// Transform and tokens.
        case tokens = 0
        /// Octets of the samples, zstd: lossless, for sensors and bands that no transform fits.
        case verbatim = 1
    }

    /// Which sample value means missing.
    public enum Nodata: Equatable, Sendable {
        case asProfile
        case none
        case value(Double)
    }

    /// The grid that all frames of the stream share; the origin is each frame's own.
    public struct Grid: Equatable, Sendable {
        public var epsg: Int
        /// `[a, b, d, e]` of the affine transform.
        public var matrix: [Double]

        /// A grid from its EPSG code and `[a, b, d, e]`.
        public init(epsg: Int, matrix: [Double]) {
            self.epsg = epsg
            self.matrix = matrix
        }
    }

    /// First four octets of the SHA-256 of the firmware's manifest, as a little-endian number.
    public var firmware: UInt32
    public var profile: Profile
    public var coding: Coding = .tokens
    public var rows: Int
    public var columns: Int
    /// nil means as the profile.
    public var sampleType: SampleType?
    public var nodata: Nodata = .asProfile
    /// Physical value = sample * scale + offset; nil means as the profile.
    public var scaling: Scaling?
    public var grid: Grid?
    /// Frame numbers of packets count from here.
    public var baseFrame: UInt64 = 0
    /// Times of packets count from here.
    public var baseTime = Timestamp(milliseconds: 0)
    /// STAC platform; nil means as the profile.
    public var platform: String?
    /// STAC instruments; nil means as the profile.
    public var instruments: [String]?

    /// Physical value = sample * scale + offset.
    public struct Scaling: Equatable, Sendable {
        public var scale: Double
        public var offset: Double

        /// A scaling from its two numbers.
        public init(scale: Double, offset: Double) {
            self.scale = scale
            self.offset = offset
        }
    }

    /// A declaration of what must be known; everything else has its default.
    public init(firmware: UInt32, profile: Profile, rows: Int, columns: Int) {
        self.firmware = firmware
        self.profile = profile
        self.rows = rows
        self.columns = columns
    }
}

/// Limits of a declaration, checked before anything is allocated.
public enum DeclarationLimit {
    public static let bands = 1_024
    public static let side = 1 << 20
    public static let text = 64
    public static let instruments = 8
    public static let profileIndex = 255
}
