/// What one step of the inverse wavelet reads and computes along one axis, where only some of its samples are needed.
///
/// Each of the four lifting steps looks one coefficient to either side. So an even sample 2i depends on low i-1 … i+1 and
/// high i-2 … i+1, an odd one 2i+1 on low i-1 … i+2 and high i-2 … i+2. A step over a line that is cut four or more samples
/// before and behind what is needed, at an even sample, gives the needed samples by the same operations on the same
/// numbers as one over the whole line; where the line ends inside of this margin the cut is the end itself.
package struct SynthesisSpan: Equatable, Sendable {
    /// Samples of the finer signal that the step computes. The first one is even; only the needed ones are right.
    package let computed: Range<Int>
    /// Coefficients that the needed samples depend on.
    package let low: Range<Int>
    package let high: Range<Int>

    /// The step to a signal of `size` samples of which the (not empty) range `needed` is.
    package init(needed: Range<Int>, size: Int) {
        guard size > 1 else {
            (computed, low, high) = (0..<1, 0..<1, 0..<0)
            return
        }
        let first = needed.lowerBound / 2
        let end = needed.upperBound / 2 + 2
        computed = 2 * max(first - 2, 0)..<min(needed.upperBound + 4, size)
        low = max(first - 1, 0)..<min(end, (size + 1) / 2)
        high = max(first - 2, 0)..<min(end, size / 2)
    }

    /// Index in its sub-band of the first coefficient, low or high, of the cut line.
    var start: Int { computed.lowerBound / 2 }
    /// Low coefficients of the cut line; the high ones lie behind them.
    var lowCount: Int { (computed.count + 1) / 2 }
}
