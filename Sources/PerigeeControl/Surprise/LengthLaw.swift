import Glibc

/// Mean and variance of the lengths of a place's looks, which tell how unusual the newest one is.
struct LengthLaw: Equatable, Sendable {
    /// Lengths told so far; ends at 255. The first ones only wait for the covariance.
    var count: UInt8 = 0
    var mean: Float16 = 0
    var variance: Float16 = 0

    /// Share of a length in mean and variance, once there were some.
    private static let rate = 0.12
    /// Standard deviation that is always there.
    private static let floor = 0.1
    /// Variance where only one length is known.
    private static let startVariance: Float16 = 0.02
    /// Differences seen before the first length, and lengths before the first score.
    private static let lead = 4
    private static let lengthsBeforeScore = 8
    /// Standard deviations by which one length moves the mean at most.
    private static let clip = 2.0

    /// Standard deviations by which this length exceeds the usual one, then learns it; nil while too few are known.
    mutating func learn(_ length: Double) -> Double? {
        defer { count = count == .max ? .max : count + 1 }
        let known = Int(count) - Self.lead
        guard known > 0 else {
            if known == 0 { (mean, variance) = (Float16(length), Self.startVariance) }
            return nil
        }
        let weight = max(1 / Double(known + 1), Self.rate)
        let deviation = length - Double(mean)
        let spread = Double(variance)
        let score = deviation / (spread + Self.floor * Self.floor).squareRoot()
        // what is news now must not make the next news usual
        let most = Self.clip * spread.squareRoot()
        let learned = min(max(deviation, -most), most)
        mean += Float16(weight * learned)
        variance = Float16((1 - weight) * (spread + weight * learned * learned))
        return known >= Self.lengthsBeforeScore ? score : nil
    }
}
