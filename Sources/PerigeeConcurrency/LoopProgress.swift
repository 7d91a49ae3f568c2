/// How a loop shows that it goes on: it says `note` on each turn, and whoever watches sees when it should have done so again.
///
/// A loop turns at least each `turnMilliseconds`, also where it has nothing to do. What may take long without being a hang, such
/// as a sync to a slow disk, is done inside `allow`.
public final class LoopProgress: Sendable {
    /// How long a loop waits for work at most before it turns.
    public static let turnMilliseconds = 1_000

    /// What the log calls it: the name of its thread.
    public let name: String
    private struct State: Sendable {
        var patience: UInt64
        /// When the loop counts as stalled, by `nanoseconds`.
        var deadline: UInt64

        mutating func note(_ now: UInt64) { deadline = now &+ patience }
    }

    private let nanoseconds: @Sendable () -> UInt64
    private let state: Locked<State>

    /// A loop that is just beginning. It stalls when it does not turn for `patienceSeconds`, at least 2; `nanoseconds` of a clock
    /// that never goes back.
    public init(
        _ name: String, patienceSeconds: Int, nanoseconds: @escaping @Sendable () -> UInt64 = { monotonicNanoseconds() }
    ) {
        self.name = name
        self.nanoseconds = nanoseconds
        let patience = UInt64(max(patienceSeconds, 2)) &* 1_000_000_000
        state = Locked(State(patience: patience, deadline: nanoseconds() &+ patience))
    }

    /// A turn is done.
    public func note() {
        let now = nanoseconds()
        state.withLock { $0.note(now) }
    }

    /// Runs `body`, which may take `seconds`, and so long again after each turn that it notes itself.
    public func allow<Value, Failure: Error>(
        seconds: Int, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let before = setPatience { max($0, UInt64(max(seconds, 0)) &* 1_000_000_000) }
        defer { _ = setPatience { _ in before } }
        return try body()
    }

    /// Makes it another one, which counts from now; answers what it was.
    private func setPatience(_ next: (UInt64) -> UInt64) -> UInt64 {
        let now = nanoseconds()
        let before = state.current.patience  // only the loop's own thread changes it
        let after = next(before)
        state.withLock {
            $0.patience = after
            $0.note(now)
        }
        return before
    }

    /// The loop ended in order: nobody waits for it.
    public func end() { state.withLock { $0.deadline = .max } }

    /// It should have turned before now.
    public var isStalled: Bool { nanoseconds() > state.current.deadline }
}

extension BoundedQueue {
    /// The oldest element, waited for; nil when the queue is closed and empty. Turns the loop while it waits.
    public func take(noting progress: LoopProgress) -> Element? {
        while true {
            progress.note()
            if let element = take(timeoutMilliseconds: LoopProgress.turnMilliseconds) { return element }
            if isFinished { return nil }
        }
    }

    /// Appends, and waits for room as long as it takes; never `full`. Turns the loop while it waits: who is waited for has a
    /// loop of its own.
    public func append(_ element: Element, size: Int, noting progress: LoopProgress) -> Answer {
        while true {
            progress.note()
            let answer = append(element, size: size, timeoutMilliseconds: LoopProgress.turnMilliseconds)
            if answer != .full { return answer }
        }
    }
}
