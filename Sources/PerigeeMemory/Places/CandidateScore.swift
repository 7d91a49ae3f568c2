internal import Glibc

/// How much a remembered frame promises for a new one. Source: Docs/memory.md, "Which reference".
package struct CandidateScore: Comparable, Sendable {
    /// Whether the days between the two frames are known: those go before all others.
    package let hasGap: Bool
    package let value: Double
    package let frame: UInt64

    /// `overlap`: share of the new frame that the remembered one covers.
    package init(frame: UInt64, overlap: Double, clearShare: Double, ratio: Int, gapMilliseconds: Int64?) {
        self.frame = frame
        hasGap = gapMilliseconds != nil
        let freshness = gapMilliseconds.map { Self.freshness(days: Double($0) / 86_400_000) } ?? 1
        value = overlap * clearShare * Self.quality(ratio) * freshness
    }

    /// The best first: known time, then value, then the newer frame.
    package static func < (left: Self, right: Self) -> Bool {
        if left.hasGap != right.hasGap { return left.hasGap }
        if left.value != right.value { return left.value > right.value }
        return left.frame > right.frame
    }

    /// What a gap leaves of the gain: measured 1, 0.94, 0.59 and 0.38 for 2 to 5, 6 to 20, 21 to 60 and more days. Half a year
    /// and more: the season counts as well.
    package static func freshness(days: Double) -> Double {
        let days = min(abs(days), 36_525)
        let near = 0.35 + 0.65 * exp2(-days / 30)
        let season = days.remainder(dividingBy: 365.25).magnitude
        return days < 180 ? near : max(near, 0.35 + 0.15 * exp2(-season / 30))
    }

    /// A memory at 1,000x is worth half of one at 100x.
    package static func quality(_ ratio: Int) -> Double {
        min(1, pow(Double(MemoryRatio.finest) / Double(max(ratio, 1)), 0.3))
    }
}
