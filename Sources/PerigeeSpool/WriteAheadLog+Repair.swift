extension WriteAheadLog {
    /// What a comparison of octets with their checksum found.
    enum Repair {
        case whole, repaired
        /// One bit is flipped, and several ones may be it.
        case flipped
        case broken
    }

    /// A bit by its place, and what its word is too high by where it flipped.
    private struct Flip {
        var octet: Int
        var mask: UInt8
        var isTooHigh: Bool
    }

    /// Compares `parts` with the two words of checksum at `sum`; where they differ by one flipped bit of either, flips it back if it is
    /// certain which one. A write that was cut short does not look like that: some 50,000 of 2^64 differences do.
    mutating func repair(_ parts: [Range<Int>], seed: (UInt32, UInt32), sum place: Int) -> Repair {
        let found = checksum(parts, seed: seed)
        let stored = (bigWord(place), bigWord(place + 4))
        if found == stored { return .whole }
        let flips = Self.flips((found.0 &- stored.0, found.1 &- stored.1), parts)
            .filter { (octets[$0.octet] & $0.mask != 0) == $0.isTooHigh }
        let isOfSum = (found.0 ^ stored.0).nonzeroBitCount + (found.1 ^ stored.1).nonzeroBitCount == 1
        guard flips.count + (isOfSum ? 1 : 0) == 1 else { return flips.isEmpty ? .broken : .flipped }
        if let flip = flips.first {
            octets[flip.octet] ^= flip.mask
        } else {
            write(found.0, at: place)
            write(found.1, at: place + 4)
        }
        return .repaired
    }

    /// The bits that change the checksum by `difference` when they flip. The checksum is linear: a change d of a word shows as d times a pair of
    /// factors that obeys Fibonacci's rule from the end on. Modulo 2^32 the factors of the highest bits repeat.
    private static func flips(_ difference: (UInt32, UInt32), _ parts: [Range<Int>]) -> [Flip] {
        var found: [Flip] = []
        var even: (UInt32, UInt32) = (1, 1)
        var odd: (UInt32, UInt32) = (0, 1)
        for part in parts.reversed() {
            for start in stride(from: part.upperBound - 8, through: part.lowerBound, by: -8) {
                for (word, factors) in [(start, even), (start + 4, odd)] {
                    for bit in 0..<32 {
                        let value = UInt32(1) << UInt32(bit)
                        for (change, isTooHigh) in [(value, true), (0 &- value, false)]
                        where factors.0 &* change == difference.0 && factors.1 &* change == difference.1 {
                            found.append(Flip(octet: word + bit / 8, mask: 1 << UInt8(bit % 8), isTooHigh: isTooHigh))
                        }
                    }
                }
                even = (even.0 &+ even.1, even.0 &+ 2 &* even.1)
                odd = (odd.0 &+ odd.1, odd.0 &+ 2 &* odd.1)
            }
        }
        return found
    }
}
