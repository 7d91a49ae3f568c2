/// Sees from sequence numbers which frames never came. A pure value. Source: Docs/frame-format.md, section 3.
public struct SequenceTracker: Sendable {
    /// What a number says.
    public enum Outcome: Equatable, Sendable {
        /// The first of its run, or the run counts anew from it.
        case began
        /// New; `missed` numbers before it never came.
        case advanced(missed: Int)
        /// Late: it had been counted as missed.
        case late
        /// It was there already.
        case duplicate
    }

    private struct Run: Sendable {
        var newest: Int
        /// Bit `i` says that `newest - i` was there.
        var seen: UInt64
        var age: UInt64
    }

    /// Runs that are remembered; the one longest unheard of goes first.
    public static let runLimit = 1_024

    private var runs: [String: Run] = [:]
    private var clock: UInt64 = 0

    /// Remembers nothing yet.
    public init() {}

    /// A frame with this number came.
    public mutating func frame(sensor: String, run: String, sequence: Int) -> Outcome {
        let key = "\(sensor)\u{0}\(run)"
        clock += 1
        guard var state = runs[key] else {
            makeRoom()
            runs[key] = Run(newest: sequence, seen: 1, age: clock)
            return .began
        }
        state.age = clock
        defer { runs[key] = state }
        let step = sequence - state.newest
        if step > 0 {
            state.seen = step < 64 ? state.seen << UInt64(step) | 1 : 1
            state.newest = sequence
            return .advanced(missed: step - 1)
        }
        guard step > -64 else {
            state.newest = sequence
            state.seen = 1
            return .began
        }
        let bit: UInt64 = 1 << UInt64(-step)
        if state.seen & bit != 0 { return .duplicate }
        state.seen |= bit
        return .late
    }

    /// A heartbeat or an end named the last number sent; answers how many frames before and at it never came.
    public mutating func mark(sensor: String, run: String, sequence: Int?, isEnd: Bool) -> Int {
        let key = "\(sensor)\u{0}\(run)"
        guard var state = runs[key] else { return 0 }
        clock += 1
        state.age = clock
        var missed = 0
        if let sequence, sequence > state.newest {
            let step = sequence - state.newest
            missed = step
            state.seen = step < 64 ? state.seen << UInt64(step) : 0
            state.newest = sequence
        }
        runs[key] = isEnd ? nil : state
        return missed
    }

    private mutating func makeRoom() {
        guard runs.count >= Self.runLimit, let oldest = runs.min(by: { $0.value.age < $1.value.age }) else { return }
        runs[oldest.key] = nil
    }
}
