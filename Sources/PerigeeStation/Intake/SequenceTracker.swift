/// Sees from sequence numbers which frames never came, and which were lost with a crash. A pure value.
/// Source: Docs/frame-format.md, section 3.
public struct SequenceTracker: Equatable, Sendable {
    /// What a number says.
    public enum Outcome: Equatable, Sendable {
        /// The first of its run, or the run counts anew from it.
        case began
        /// New; `missed` numbers before it never came.
        case advanced(missed: Int)
        /// New, and the first since the station's unclean end: so many before it were lost with that.
        case resumed(lost: Int)
        /// Late: it had been counted as missed.
        case late
        /// It had been counted as lost with the station's unclean end, and its source has sent it again.
        case recovered
        /// It was there already. `isInWork`: what becomes of it is not decided yet.
        case duplicate(isInWork: Bool)
    }

    /// What survives the station's end of one run.
    package struct Mark: Equatable, Sendable {
        package var sensor: String
        package var run: String
        package var newest: Int
        /// Frames whose fate was decided when the mark was taken.
        package var window: SequenceWindow

        /// See the properties.
        package init(sensor: String, run: String, newest: Int, window: SequenceWindow) {
            self.sensor = sensor
            self.run = run
            self.newest = newest
            self.window = window
        }
    }

    private struct Key: Hashable, Sendable {
        var sensor: String
        var run: String
    }

    private struct Run: Equatable, Sendable {
        var newest: Int
        var window = SequenceWindow()
        /// Taken, and neither spooled nor rejected yet.
        var inWork: Set<Int> = []
        var age: UInt64
        /// Numbers below it that were not there were lost with an unclean end.
        var lostBelow = Int.min
        /// Nothing new came since that end.
        var isResuming = false
    }

    /// Runs that are remembered; the one longest unheard of goes first.
    public static let runLimit = 1_024

    private var runs: [Key: Run] = [:]
    private var changed: Set<Key> = []
    private var clock: UInt64 = 0

    /// Remembers nothing yet.
    public init() {}

    /// Remembers what marks say. `isUnclean`: the station did not end by itself, so what is missing was lost with it.
    package init(restoring marks: [Mark], isUnclean: Bool) {
        for mark in marks {
            clock += 1
            makeRoom()
            runs[Key(sensor: mark.sensor, run: mark.run)] = Run(
                newest: mark.newest, window: mark.window, age: clock, lostBelow: isUnclean ? mark.newest + 1 : .min,
                isResuming: isUnclean)
        }
    }

    /// A frame with this number came; unless it is a duplicate it is in work until `resolve`.
    public mutating func frame(sensor: String, run: String, sequence: Int) -> Outcome {
        let key = Key(sensor: sensor, run: run)
        clock += 1
        changed.insert(key)
        guard var state = runs[key] else {
            makeRoom()
            runs[key] = Run(newest: sequence, inWork: [sequence], age: clock)
            return .began
        }
        state.age = clock
        let outcome = note(sequence, &state)
        if case .duplicate = outcome {} else { state.inWork.insert(sequence) }
        runs[key] = state
        return outcome
    }

    private func note(_ sequence: Int, _ state: inout Run) -> Outcome {
        let step = sequence - state.newest
        if step > 0 {
            state.window.advance(by: step)
            state.window[0] = true
            state.newest = sequence
            guard state.isResuming else { return .advanced(missed: step - 1) }
            state.isResuming = false
            state.lostBelow = sequence
            return .resumed(lost: step - 1)
        }
        guard step > -SequenceWindow.size else {
            state.newest = sequence
            state.window = SequenceWindow()
            return .began
        }
        if state.window[-step] { return .duplicate(isInWork: state.inWork.contains(sequence)) }
        state.window[-step] = true
        return sequence < state.lostBelow ? .recovered : .late
    }

    /// What becomes of a frame is decided. `isForgotten`: its source may send it again. `isMarked`: a mark says so already.
    package mutating func resolve(
        sensor: String, run: String, sequence: Int, isForgotten: Bool = false, isMarked: Bool = false
    ) {
        let key = Key(sensor: sensor, run: run)
        guard var state = runs[key], state.inWork.remove(sequence) != nil else { return }
        let distance = state.newest - sequence
        if isForgotten, (0..<SequenceWindow.size).contains(distance) { state.window[distance] = false }
        runs[key] = state
        if !isMarked { changed.insert(key) }
    }

    /// A heartbeat or an end named the last number sent; answers how many frames up to it never came: missed on the way, or
    /// lost with the station's unclean end.
    public mutating func mark(sensor: String, run: String, sequence: Int?) -> (missed: Int, lost: Int) {
        let key = Key(sensor: sensor, run: run)
        guard var state = runs[key] else { return (0, 0) }
        clock += 1
        state.age = clock
        defer { runs[key] = state }
        guard let sequence, sequence > state.newest else { return (0, 0) }
        let step = sequence - state.newest
        state.window.advance(by: step)
        state.newest = sequence
        changed.insert(key)
        guard state.isResuming else { return (step, 0) }
        state.isResuming = false
        state.lostBelow = sequence + 1
        return (0, step)
    }

    /// Marks of the runs that changed since the last time; frames in work are in them as not there, but for those in `deciding`,
    /// whose fate is committed together with the marks.
    package mutating func takeChangedMarks(
        deciding: [(sensor: String, run: String, sequence: Int)] = []
    ) -> [Mark] {
        var decided: [Key: Set<Int>] = [:]
        for frame in deciding {
            decided[Key(sensor: frame.sensor, run: frame.run), default: []].insert(frame.sequence)
        }
        changed.formUnion(decided.keys)
        defer { changed = [] }
        return changed.compactMap { key in
            guard let state = runs[key] else { return nil }
            var window = state.window
            for sequence in state.inWork.subtracting(decided[key] ?? [])
            where state.newest - sequence < SequenceWindow.size {
                window[state.newest - sequence] = false
            }
            return Mark(sensor: key.sensor, run: key.run, newest: state.newest, window: window)
        }
    }

    private mutating func makeRoom() {
        guard runs.count >= Self.runLimit, let oldest = runs.min(by: { $0.value.age < $1.value.age }) else { return }
        runs[oldest.key] = nil
    }
}
