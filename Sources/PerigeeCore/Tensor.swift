/// A named array of numbers out of a firmware bundle, row-major.
public struct Tensor: Equatable, Sendable {
    /// The values, one case a storage type.
    public enum Values: Equatable, Sendable {
        case float64([Double])
        case float32([Float])
        case int32([Int32])
        case uint32([UInt32])
        case int16([Int16])
        case uint16([UInt16])
        case uint8([UInt8])
    }

    /// Dimensions, outermost first.
    public var shape: [Int]
    public var values: Values

    /// A tensor; the count of values must be the product of the shape.
    public init(shape: [Int], values: Values) {
        self.shape = shape
        self.values = values
    }
}
