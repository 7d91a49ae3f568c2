/// A fixed set of threads that share out the indices of a loop. One loop at a time: callers wait for each other.
///
/// The calling thread works too, as lane 0, so one lane makes no thread at all.
public final class Lanes: Sendable {
    /// Threads that work, the caller's included.
    public let count: Int
    private let state = LaneState()

    /// `count` lanes of at least 1; their threads are called `name-1` and so on and end with this object.
    public init(count: Int, name: String) {
        self.count = max(count, 1)
        let state = state
        for lane in 1..<max(self.count, 2) where lane < self.count {
            _ = NamedThread("\(name)-\(lane)") { state.serve(lane: lane) }
        }
    }

    deinit { state.stop() }

    /// Calls `body(lane, index)` for each index below `count`, in no order, and returns when all are done. A lane runs one
    /// body at a time, so `lane` may choose a workspace. A body must not call `forEach` of the same lanes.
    public func forEach(_ count: Int, _ body: @escaping @Sendable (_ lane: Int, _ index: Int) -> Void) {
        state.run(count, body)
    }
}

/// What the lanes share.
private final class LaneState: @unchecked Sendable {  // `condition` guards all `var`s
    private struct Loop {
        let count: Int
        let body: @Sendable (Int, Int) -> Void
        var next = 0
        var done = 0
    }

    private let condition = ConditionLock()
    private var loop: Loop?
    private var isStopped = false

    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    func run(_ count: Int, _ body: @escaping @Sendable (Int, Int) -> Void) {
        guard count > 0 else { return }
        condition.withLock {
            while loop != nil { _ = condition.wait() }
            loop = Loop(count: count, body: body)
            condition.broadcast()
        }
        while let index = claim() { perform(body, lane: 0, index: index) }
        condition.withLock {
            while let running = loop, running.done < running.count { _ = condition.wait() }
            loop = nil
            condition.broadcast()
        }
    }

    /// The life of one lane.
    func serve(lane: Int) {
        while let work = awaitWork() { perform(work.body, lane: lane, index: work.index) }
    }

    private func perform(_ body: @Sendable (Int, Int) -> Void, lane: Int, index: Int) {
        body(lane, index)
        condition.withLock {
            loop?.done += 1
            if let loop, loop.done == loop.count { condition.broadcast() }
        }
    }

    private func claim() -> Int? {
        condition.withLock {
            guard let running = loop, running.next < running.count else { return nil }
            loop?.next += 1
            return running.next
        }
    }

    private func awaitWork() -> (body: @Sendable (Int, Int) -> Void, index: Int)? {
        condition.withLock {
            while true {
                if let running = loop, running.next < running.count {
                    loop?.next += 1
                    return (running.body, running.next)
                }
                if isStopped { return nil }
                _ = condition.wait()
            }
        }
    }
}
