/// Reads fields out of untrusted octets. Each read names its field, checks what is left, and never traps.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    /// Index of the next octet to read, in the indices of the slice that was given.
    public private(set) var position: Int

    /// Reads from the start of `bytes`.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Reads from the start of `bytes`.
    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Octets that are left.
    public var remaining: Int { bytes.endIndex - position }

    /// The next `count` octets.
    public mutating func read(_ field: String, count: Int) throws(FormatError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            throw .truncated(field: field, needed: max(count, 0), available: remaining)
        }
        let slice = bytes[position..<position + count]
        position += count
        return slice
    }

    /// All octets that are left.
    public mutating func readRest() -> ArraySlice<UInt8> {
        let slice = bytes[position...]
        position = bytes.endIndex
        return slice
    }

    /// A fixed-width integer, least significant octet first.
    public mutating func read<Value: FixedWidthInteger>(
        _ field: String, as type: Value.Type
    ) throws(FormatError) -> Value {
        let octets = try read(field, count: MemoryLayout<Value>.size)
        return octets.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
    }

    /// An IEEE 754 double.
    public mutating func readDouble(_ field: String) throws(FormatError) -> Double {
        Double(bitPattern: try read(field, as: UInt64.self))
    }

    /// An IEEE 754 single.
    public mutating func readFloat(_ field: String) throws(FormatError) -> Float {
        Float(bitPattern: try read(field, as: UInt32.self))
    }

    /// An unsigned LEB128 integer. More than ten octets, more than 64 bits, or a needless zero octet at the end are errors.
    public mutating func readVarint(_ field: String) throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<10 {
            let octet = try read(field, as: UInt8.self)
            if index == 9, octet > 1 { throw .outOfRange(field: field, value: Int(octet), limit: 1) }
            if index > 0, octet == 0 {
                throw .unknown(
                    field: field, value: "a varint with a needless zero octet", expected: "the shortest form")
            }
            value |= UInt64(octet & 0x7F) << UInt64(7 * index)
            if octet < 0x80 { return value }
        }
        throw .outOfRange(field: field, value: 11, limit: 10)
    }

    /// A varint that must not exceed `limit`.
    public mutating func readVarint(_ field: String, limit: Int) throws(FormatError) -> Int {
        let value = try readVarint(field)
        guard let small = Int(exactly: value), small <= limit else {
            throw .outOfRange(field: field, value: Int(clamping: value), limit: limit)
        }
        return small
    }

    /// A zigzag varint.
    public mutating func readSignedVarint(_ field: String) throws(FormatError) -> Int64 {
        let value = try readVarint(field)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A text behind its count of octets; it must be UTF-8 of at most `limit` octets without control characters.
    public mutating func readText(_ field: String, limit: Int) throws(FormatError) -> String {
        let count = try readVarint("\(field) length", limit: limit)
        let octets = try read(field, count: count)
        guard let text = String(validating: octets, as: UTF8.self),
            !text.unicodeScalars.contains(where: { $0.value < 32 })
        else {
            throw .unknown(field: field, value: "octets that are no text", expected: "UTF-8 without control characters")
        }
        return text
    }

    /// Refuses octets behind the last field.
    public func finish(_ field: String) throws(FormatError) {
        guard remaining == 0 else {
            throw .mismatch(field: field, found: "\(remaining) octets longer", expected: "no more")
        }
    }
}
