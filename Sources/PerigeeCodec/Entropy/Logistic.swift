/// Probabilities as logarithms of odds, where evidence adds up. Integers in tables, so that both ends agree.
/// Source: Docs/packet-format.md section 5.6; M. Mahoney, "Adaptive Weighing of Context Models for Lossless Data
/// Compression", 2005.
enum Logistic {
    /// Log-odds end here, in 1/256 nat.
    static let limit = 3_072

    /// `256 ln(p / (1 - p))` of each probability p in 1/65,536, taken at the middle of its step.
    static let stretch: [Int16] = (0..<65_536).map { probability in
        let odds = Double(2 * probability + 1) / Double(131_071 - 2 * probability)
        let value = (256 * naturalLogarithm(odds)).rounded(.toNearestOrEven)
        return Int16(max(-Double(limit), min(Double(limit), value)))
    }

    /// The way back for log-odds of `-limit ... limit`, element 0 for `-limit`: probability in 1/65,536 that the coder
    /// takes.
    static let squash: [UInt16] = (-limit...limit).map { value in
        let probability = 65_536 / (1 + exponential(-Double(value) / 256))
        return UInt16(max(2, min(65_533, probability.rounded(.toNearestOrEven))))
    }

    /// The logarithm of a positive number: ln m = 2 artanh((m - 1) / (m + 1)) for its significand m.
    private static func naturalLogarithm(_ value: Double) -> Double {
        let (ln2, z) = (0.693147180559945309, (value.significand - 1) / (value.significand + 1))
        var (sum, power) = (0.0, z)
        for term in 0..<20 {
            sum += power / Double(2 * term + 1)
            power *= z * z
        }
        return Double(value.exponent) * ln2 + 2 * sum
    }

    /// e to the power of a number between -12 and 12: a short series, squared often enough.
    private static func exponential(_ value: Double) -> Double {
        let small = value / 1_024
        var (sum, term) = (1.0, 1.0)
        for index in 1..<12 {
            term *= small / Double(index)
            sum += term
        }
        for _ in 0..<10 { sum *= sum }
        return sum
    }
}
