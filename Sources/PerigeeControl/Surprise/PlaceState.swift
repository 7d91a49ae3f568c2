import Glibc
import PerigeeCore

/// What is remembered of one place: how its blocks look in the mean, how they differ from that, how long the code of such
/// differences is. 254 octets when packed.
struct PlaceState: Equatable, Sendable {
    static let size = 254

    var key: UInt64
    /// Seconds since 1970 of the newest look.
    var lastSeen: UInt32 = 0
    /// Looks that were learned, and lengths of them; both end at 65,535.
    var looks: UInt16 = 0
    var lengths: UInt16 = 0
    var features: UInt8
    /// Looks, hidden ones too, up to 255; the least of the highest hazes of all of them, drifting upwards.
    var glances: UInt8 = 0
    var haze: Float = 0
    /// Mean and variance of the length.
    var mean: Float = 0
    var variance: Float = 0
    /// Upper triangle of the covariance of differences, row by row.
    var covariance: [Float]
    /// Blocks with a mean.
    var known: UInt64 = 0
    /// `[features][blocks]`, in steps of `step` from `least`.
    var means: [UInt8]

    /// Range of features and the step that an octet can say.
    static let least = -3.95
    static let step = 0.017_25

    init(key: UInt64, features: Int) {
        self.key = key
        self.features = UInt8(features)
        covariance = Self.start
        means = Array(repeating: 0, count: PlaceFeatures.limit * CellView.blockCount)
    }

    /// Differences of a third in each feature before any were seen.
    private static let start: [Float] = [0.09, 0, 0, 0.09, 0, 0.09]

    func isKnown(_ block: Int) -> Bool { known >> UInt64(block) & 1 == 1 }

    func value(_ feature: Int, _ block: Int) -> Double {
        Self.least + Self.step * Double(means[feature * CellView.blockCount + block])
    }

    /// Rounds up or down by chance, so that changes below a step are not lost; the chance is a hash, so that the same looks
    /// give the same state.
    mutating func set(_ feature: Int, _ block: Int, _ value: Double) {
        let index = feature * CellView.blockCount + block
        var hash = key &+ UInt64(looks) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 31)) &* 0x94D0_49BB_1331_11EB
        let chance = Double(hash >> 40) / Double(1 << 24)
        let steps = ((value - Self.least) / Self.step + chance).rounded(.down)
        means[index] = UInt8(min(max(steps.isFinite ? steps : 0, 0), 255))
        known |= 1 << UInt64(block)
    }
}

extension PlaceState {
    func pack(into writer: inout ByteWriter) {
        writer.write(key)
        writer.write(lastSeen)
        writer.write(looks)
        writer.write(lengths)
        writer.write(features)
        writer.write(glances)
        writer.write(haze)
        writer.write(mean)
        writer.write(variance)
        for value in covariance { writer.write(value) }
        writer.write(known)
        writer.write(means)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        key = try reader.read("place key", as: UInt64.self)
        lastSeen = try reader.read("place time", as: UInt32.self)
        looks = try reader.read("place looks", as: UInt16.self)
        lengths = try reader.read("place lengths", as: UInt16.self)
        features = try reader.read("place features", as: UInt8.self)
        guard (1...PlaceFeatures.limit).contains(Int(features)) else {
            throw .outOfRange(field: "place features", value: Int(features), limit: PlaceFeatures.limit)
        }
        glances = try reader.read("place glances", as: UInt8.self)
        haze = try Self.number(&reader, "place haze")
        mean = try Self.number(&reader, "place mean")
        variance = try Self.number(&reader, "place variance")
        covariance = []
        for _ in Self.start { covariance.append(try Self.number(&reader, "place covariance")) }
        known = try reader.read("place blocks", as: UInt64.self)
        means = Array(try reader.read("place means", count: PlaceFeatures.limit * CellView.blockCount))
    }

    private static func number(_ reader: inout ByteReader, _ field: String) throws(FormatError) -> Float {
        let value = Float(bitPattern: try reader.read(field, as: UInt32.self))
        guard value.isFinite, abs(value) < 1e6 else {
            throw .unknown(field: field, value: "\(value)", expected: "a finite number")
        }
        return value
    }
}
