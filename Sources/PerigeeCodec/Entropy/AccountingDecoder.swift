/// A decoder that also adds up what its decisions cost, by kind. Slower: for `perigee info`, not for products.
struct AccountingDecoder: BinaryCoder {
    static let isDecoder = true
    private var decoder: BinaryDecoder
    private var kind = DecisionKind.flag
    /// Bits by `DecisionKind.rawValue`.
    private(set) var bits = [Double](repeating: 0, count: DecisionKind.allCases.count)
    var isStopped: Bool { decoder.isStopped }
    var count: Int { 0 }

    init(octets: UnsafePointer<UInt8>, count: Int) { decoder = BinaryDecoder(octets: octets, count: count) }

    mutating func enter(_ kind: DecisionKind) { self.kind = kind }

    mutating func code(_ bit: Int, probability: UInt32) -> Int {
        let decided = decoder.code(bit, probability: probability)
        if !decoder.isStopped {
            bits[kind.rawValue] -= Self.log2(Double(decided != 0 ? probability : 65_536 - probability) / 65_536)
        }
        return decided
    }

    /// Logarithm to base 2 of a positive number, to about 1e-8: ln m = 2 (z + z^3/3 + …), z = (m - 1) / (m + 1).
    private static func log2(_ value: Double) -> Double {
        let z = (value.significand - 1) / (value.significand + 1)
        var power = z
        var sum = 0.0
        for term in 0..<9 {
            sum += power / Double(2 * term + 1)
            power *= z * z
        }
        return Double(value.exponent) + 2 * sum * 1.4426950408889634
    }
}
