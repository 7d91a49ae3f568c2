/// How one sample is stored, named as in NumPy.
public enum SampleType: UInt8, CaseIterable, Sendable {
    /// Unsigned 8-bit integer.
    case uint8 = 0
    /// Unsigned 16-bit integer.
    case uint16 = 1
    /// Signed 16-bit integer.
    case int16 = 2
    /// Signed 32-bit integer.
    case int32 = 3
    /// IEEE 754 single.
    case float32 = 4

    /// The type with this NumPy name, with or without a byte-order mark for little-endian ("uint16", "<u2", "|u1").
    public init?(name: String) {
        switch name {
        case "uint8", "u1", "|u1", "<u1": self = .uint8
        case "uint16", "<u2": self = .uint16
        case "int16", "<i2": self = .int16
        case "int32", "<i4": self = .int32
        case "float32", "<f4": self = .float32
        default: return nil
        }
    }

    /// NumPy name.
    public var name: String {
        switch self {
        case .uint8: "uint8"
        case .uint16: "uint16"
        case .int16: "int16"
        case .int32: "int32"
        case .float32: "float32"
        }
    }

    /// Octets of one sample.
    public var size: Int {
        switch self {
        case .uint8: 1
        case .uint16, .int16: 2
        case .int32, .float32: 4
        }
    }

    /// The least and greatest value that a sample can take; infinite for float32.
    public var range: ClosedRange<Double> {
        switch self {
        case .uint8: 0...255
        case .uint16: 0...65_535
        case .int16: -32_768...32_767
        case .int32: -2_147_483_648...2_147_483_647
        case .float32: -Double.infinity...Double.infinity
        }
    }
}
