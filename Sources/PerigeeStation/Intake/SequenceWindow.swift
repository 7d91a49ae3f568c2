/// Which of the last 1,024 numbers up to a newest one were there. Bit `i` of the octets, lowest first, stands for newest - `i`.
package struct SequenceWindow: Equatable, Sendable {
    package static let size = 1_024

    private var words: [UInt64]

    /// Only the newest number was there.
    init() {
        words = [UInt64](repeating: 0, count: Self.size / 64)
        words[0] = 1
    }

    /// From the octets of a mark; what is missing of them was not there.
    package init(bytes: [UInt8]) {
        words = [UInt64](repeating: 0, count: Self.size / 64)
        for (index, octet) in bytes.prefix(Self.size / 8).enumerated() {
            words[index / 8] |= UInt64(octet) << UInt64(index % 8 * 8)
        }
    }

    /// The octets of a mark, without the zeros at their end.
    package var bytes: [UInt8] {
        let all = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
        return Array(all.prefix((all.lastIndex { $0 != 0 } ?? -1) + 1))
    }

    /// Whether newest - `distance` was there.
    subscript(distance: Int) -> Bool {
        get { words[distance / 64] >> UInt64(distance % 64) & 1 == 1 }
        set {
            let bit: UInt64 = 1 << UInt64(distance % 64)
            if newValue { words[distance / 64] |= bit } else { words[distance / 64] &= ~bit }
        }
    }

    /// The newest number is `step` higher now, and was not there yet.
    mutating func advance(by step: Int) {
        let old = words
        let (whole, rest) = (step / 64, UInt64(step % 64))
        for index in words.indices {
            let source = index - whole
            let high = source >= 0 ? old[source] << rest : 0
            let low = source >= 1 && rest > 0 ? old[source - 1] >> (64 - rest) : 0
            words[index] = high | low
        }
    }
}
