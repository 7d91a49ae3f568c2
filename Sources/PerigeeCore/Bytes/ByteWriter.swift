/// Appends fields to octets. Integers are little-endian. The counterpart of `ByteReader`.
public struct ByteWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// Starts with no octets.
    public init() {}

    /// Appends octets as they are.
    public mutating func write(_ octets: some Sequence<UInt8>) { bytes.append(contentsOf: octets) }

    /// Appends a fixed-width integer, least significant octet first.
    public mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends an IEEE 754 double, least significant octet first.
    public mutating func write(_ value: Double) { write(value.bitPattern) }

    /// Appends an IEEE 754 single, least significant octet first.
    public mutating func write(_ value: Float) { write(value.bitPattern) }

    /// Appends an unsigned LEB128 integer: seven bits an octet, least significant first, at most ten octets.
    public mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Appends a count or size that is not negative as a varint.
    public mutating func writeVarint(_ value: Int) { writeVarint(UInt64(value)) }

    /// Appends a signed integer as a zigzag varint: 0, -1, 1, -2 … become 0, 1, 2, 3 …
    public mutating func writeSignedVarint(_ value: Int64) {
        writeVarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Appends the UTF-8 octets of a text behind their count as a varint.
    public mutating func writeText(_ text: String) {
        let octets = Array(text.utf8)
        writeVarint(octets.count)
        write(octets)
    }
}
