/// Turns two components of one wavelet level's basis against each other. Source: Docs/packet-format.md, section 5.10.
package struct Rotation: Equatable, Sendable {
    /// 1 is the finest.
    package let level: Int
    /// The lower component.
    package let first: Int
    /// The higher component.
    package let second: Int
    /// Sixteenths of the tangent of the angle, -16 to 15.
    package let tangent: Int

    package init(level: Int, first: Int, second: Int, tangent: Int) {
        (self.level, self.first, self.second, self.tangent) = (level, first, second, tangent)
    }

    static let tangentBits = 5
    static let tangentLimit = 1 << (tangentBits - 1)

    /// Cosine and sine, in strict doubles.
    var factors: (cosine: Double, sine: Double) {
        let t = Double(tangent) / Double(Self.tangentLimit)
        let cosine = 1 / (t * t + 1).squareRoot()
        return (cosine, t * cosine)
    }

    /// Turns the rows of a basis `[component][band]`.
    func turn(_ basis: inout [Double], count: Int) {
        let (cosine, sine) = factors
        for band in 0..<count {
            let (x, y) = (basis[first * count + band], basis[second * count + band])
            basis[first * count + band] = cosine * x + sine * y
            basis[second * count + band] = cosine * y - sine * x
        }
    }

    /// Where a pair stands among all: (0, 1), (0, 2), (1, 2), (0, 3) …
    var pair: Int { second * (second - 1) / 2 + first }

    /// Pairs of `count` components.
    static func pairCount(_ count: Int) -> Int { count * (count - 1) / 2 }

    /// Bits of a pair among those of `count` components.
    static func pairBits(_ count: Int) -> Int {
        Int.bitWidth - max(pairCount(count) - 1, 0).leadingZeroBitCount
    }

    /// The components of a pair.
    static func components(ofPair pair: Int) -> (first: Int, second: Int) {
        var second = 1
        while (second + 1) * second / 2 <= pair { second += 1 }
        return (pair - second * (second - 1) / 2, second)
    }
}
