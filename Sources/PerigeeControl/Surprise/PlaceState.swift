import Glibc
import PerigeeCore

/// What is remembered of one place: how its blocks look in the mean, how they differ from that, how long the code of such
/// differences is; the same of differences from earlier looks. 256 octets when packed.
struct PlaceState: Equatable, Sendable {
    static let size = 256

    var key: UInt64
    /// Seconds since 1970 of the newest look.
    var lastSeen: UInt32 = 0
    /// Looks that were learned; ends at 65,535.
    var looks: UInt16 = 0
    var features: UInt8
    /// Looks, hidden ones too, up to 255; the least of the highest hazes of all of them, drifting upwards.
    var glances: UInt8 = 0
    var haze: Float16 = 0
    /// Lengths of looks under the means.
    var usual = LengthLaw()
    /// Lengths of looks under an earlier look and the means.
    var compared = LengthLaw()
    /// Upper triangles, row by row, of the covariances of differences: of blocks from their means, of quarters of blocks from the
    /// earlier look, of quarters from the means of their blocks.
    var covariance = Self.start
    var earlierCovariance = Self.start
    var quarterCovariance = Self.start
    /// `[features][blocks]`, in steps of `step` from `least`; the first feature of a block without a mean is 0.
    var means: [UInt8]

    /// Range of features and the step that an octet can say.
    static let least = -3.95
    static let step = 0.017_25

    init(key: UInt64, features: Int) {
        self.key = key
        self.features = UInt8(features)
        means = Array(repeating: 0, count: PlaceFeatures.limit * CellView.blockCount)
    }

    /// Differences of a third in each feature before any were seen.
    private static let start: [Float16] = [0.09, 0, 0, 0.09, 0, 0.09]

    func isKnown(_ block: Int) -> Bool { means[block] > 0 }

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
        means[index] = UInt8(min(max(steps.isFinite ? steps : 1, 1), 255))
    }
}

extension PlaceState {
    func pack(into writer: inout ByteWriter) {
        writer.write(key)
        writer.write(lastSeen)
        writer.write(looks)
        writer.write(features)
        writer.write(glances)
        writer.write(haze.bitPattern)
        for law in [usual, compared] {
            writer.write(law.count)
            writer.write(law.mean.bitPattern)
            writer.write(law.variance.bitPattern)
        }
        for value in covariance + earlierCovariance + quarterCovariance { writer.write(value.bitPattern) }
        writer.write(means)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        key = try reader.read("place key", as: UInt64.self)
        lastSeen = try reader.read("place time", as: UInt32.self)
        looks = try reader.read("place looks", as: UInt16.self)
        features = try reader.read("place features", as: UInt8.self)
        guard (1...PlaceFeatures.limit).contains(Int(features)) else {
            throw .outOfRange(field: "place features", value: Int(features), limit: PlaceFeatures.limit)
        }
        glances = try reader.read("place glances", as: UInt8.self)
        means = []
        haze = try Self.number(&reader, "place haze")
        usual = try Self.law(&reader)
        compared = try Self.law(&reader)
        for path in [\Self.covariance, \.earlierCovariance, \.quarterCovariance] {
            for index in Self.start.indices {
                self[keyPath: path][index] = try Self.number(&reader, "place covariance")
            }
        }
        means = Array(try reader.read("place means", count: PlaceFeatures.limit * CellView.blockCount))
    }

    private static func law(_ reader: inout ByteReader) throws(FormatError) -> LengthLaw {
        let count = try reader.read("place lengths", as: UInt8.self)
        let mean = try number(&reader, "place mean")
        return LengthLaw(count: count, mean: mean, variance: max(try number(&reader, "place variance"), 0))
    }

    private static func number(_ reader: inout ByteReader, _ field: String) throws(FormatError) -> Float16 {
        let value = Float16(bitPattern: try reader.read(field, as: UInt16.self))
        guard value.isFinite else { throw .unknown(field: field, value: "\(value)", expected: "a finite number") }
        return value
    }
}
