/// What a decision describes.
public enum DecisionKind: Int, CaseIterable, Sendable {
    case mask, flag, significance, sign, refinement, prediction
}

/// One end of the binary arithmetic coder: both ends run the same decisions through it.
/// Source: Docs/packet-format.md section 5.6.
protocol BinaryCoder {
    /// Whether `code` returns what was written instead of writing what it is given.
    static var isDecoder: Bool { get }
    /// The encoder has its octets; the decoder met a decision that its octets leave open.
    var isStopped: Bool { get }
    /// Octets that are determined so far; 0 in a decoder.
    var count: Int { get }
    /// Says what the next decisions describe, for the account of octets.
    mutating func enter(_ kind: DecisionKind)
    /// Codes one decision; `probability` of 1 is in 1/65,536, from 2 to 65,533. A decoder ignores `bit`.
    mutating func code(_ bit: Int, probability: UInt32) -> Int
}

/// Writes decisions as octets. Octets beyond the capacity are counted, not stored.
struct BinaryEncoder: BinaryCoder {
    static let isDecoder = false
    private(set) var low: UInt64 = 0
    private(set) var high = UInt64.max
    /// Octets that are determined so far.
    private(set) var count = 0
    private let octets: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    var isStopped: Bool { count >= capacity }
    @inline(__always) mutating func enter(_ kind: DecisionKind) {}

    init(octets: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.octets = octets
        self.capacity = capacity
    }

    @inline(__always)
    mutating func code(_ bit: Int, probability: UInt32) -> Int {
        let middle = low &+ ((high &- low) >> 16) &* UInt64(probability)
        if bit != 0 { high = middle } else { low = middle &+ 1 }
        while (low ^ high) >> 56 == 0 {
            if count < capacity { octets[count] = UInt8(truncatingIfNeeded: high >> 56) }
            count &+= 1
            low <<= 8
            high = high << 8 | 255
        }
        return bit
    }

    /// Stops earlier than the octets have room for.
    mutating func setCapacity(_ capacity: Int) { self.capacity = min(self.capacity, capacity) }

    /// Octets that a decoder needs to take all decisions up to here, out of the `count` octets that were written in the end.
    func size(confirmedBy octets: UnsafePointer<UInt8>, count: Int) -> Int {
        var size = self.count
        var least: UInt64 = 0
        var mask = UInt64.max
        while size < count, size < self.count + 8, least < low || least | mask > high {
            mask >>= 8
            least |= UInt64(octets[size]) << UInt64(56 - 8 * (size - self.count))
            size += 1
        }
        return size
    }

    /// Writes the fewest octets that leave no decision open: called once, after the last decision of an exhausted tile.
    mutating func finish() {
        guard low != 0 || high != UInt64.max else { return }
        for octetCount in 1...8 {
            // The least value of this many octets from `low` on; it must reach no further than `high`.
            let mask = octetCount == 8 ? 0 : UInt64.max >> UInt64(8 * octetCount)
            let candidate = low & mask == 0 ? low : (low | mask) &+ 1
            if candidate >= low, candidate | mask <= high {
                write(candidate, octets: octetCount)
                return
            }
        }
    }

    private mutating func write(_ value: UInt64, octets octetCount: Int) {
        for index in 0..<octetCount {
            if count < capacity { octets[count] = UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * index)) }
            count += 1
        }
    }
}

/// Reads decisions from a prefix of what an encoder wrote; stops at the first one that missing octets leave open.
struct BinaryDecoder: BinaryCoder {
    static let isDecoder = true
    private var low: UInt64 = 0
    private var high = UInt64.max
    /// The code value with missing octets as 0 and as 255.
    private var least: UInt64 = 0
    private var greatest: UInt64 = 0
    private var position = 0
    private(set) var isStopped = false
    private let octets: UnsafePointer<UInt8>
    private let octetCount: Int
    var count: Int { 0 }
    @inline(__always) mutating func enter(_ kind: DecisionKind) {}

    init(octets: UnsafePointer<UInt8>, count: Int) {
        self.octets = octets
        octetCount = count
        for _ in 0..<8 { shift() }
    }

    @inline(__always)
    mutating func code(_ bit: Int, probability: UInt32) -> Int {
        let middle = low &+ ((high &- low) >> 16) &* UInt64(probability)
        let bit: Int
        if greatest <= middle {
            bit = 1
            high = middle
        } else if least > middle {
            bit = 0
            low = middle &+ 1
        } else {
            isStopped = true
            return 0
        }
        while (low ^ high) >> 56 == 0 {
            shift()
            low <<= 8
            high = high << 8 | 255
        }
        return bit
    }

    @inline(__always)
    private mutating func shift() {
        least <<= 8
        greatest <<= 8
        if position < octetCount {
            least |= UInt64(octets[position])
            greatest |= UInt64(octets[position])
        } else {
            greatest |= 255
        }
        position &+= 1
    }
}
