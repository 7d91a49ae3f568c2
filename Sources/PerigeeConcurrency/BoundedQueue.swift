/// A first-in, first-out queue between threads, bounded in items and in octets. The caller says what "full" means: `append`
/// waits, `offer` refuses.
///
/// Closing it refuses new elements and lets the takers have what is left. What a taker holds counts no more.
public final class BoundedQueue<Element: Sendable>: @unchecked Sendable {  // `condition` guards all `var`s
    /// What became of an element.
    public enum Answer: Equatable, Sendable {
        case accepted
        /// No room now (or not within the time given).
        case full
        /// Larger than the whole queue: it will never fit.
        case tooLarge
        /// The queue takes nothing any more.
        case closed
    }

    /// Greatest count of elements.
    public let itemLimit: Int
    private var sizeLimit: Int
    /// Greatest sum of the sizes of the elements, in octets.
    public var octetLimit: Int {
        get { condition.withLock { sizeLimit } }
        set {
            if newValue < 1 { fatalError("a queue without room: \(newValue) octets") }
            condition.withLock {
                sizeLimit = newValue
                condition.broadcast()
            }
        }
    }

    private let condition = ConditionLock()
    private var items: [(element: Element, size: Int)] = []
    private var head = 0
    private var octets = 0
    private var isClosed = false

    /// An empty queue; both limits must be 1 or more.
    public init(itemLimit: Int, octetLimit: Int) {
        if itemLimit < 1 || octetLimit < 1 {
            fatalError("a queue without room: \(itemLimit) items, \(octetLimit) octets")
        }
        self.itemLimit = itemLimit
        sizeLimit = octetLimit
    }

    /// Elements that wait.
    public var count: Int { condition.withLock { items.count - head } }

    /// Sum of the sizes of the elements that wait, in octets.
    public var size: Int { condition.withLock { octets } }

    /// Closed, and nothing is left to take.
    public var isFinished: Bool { condition.withLock { isClosed && head == items.count } }

    /// Appends where there is room now, else answers `full`.
    public func offer(_ element: Element, size: Int) -> Answer {
        condition.withLock {
            if let refusal = refusal(size) { return refusal }
            guard hasRoom(size) else { return .full }
            put(element, size)
            return .accepted
        }
    }

    /// Appends, and waits for room; at most `timeoutMilliseconds` where given, then it answers `full`.
    public func append(_ element: Element, size: Int, timeoutMilliseconds: Int? = nil) -> Answer {
        let deadline = Self.deadline(timeoutMilliseconds)
        return condition.withLock {
            while true {
                if let refusal = refusal(size) { return refusal }
                if hasRoom(size) {
                    put(element, size)
                    return .accepted
                }
                if !condition.wait(until: deadline), !isClosed, !hasRoom(size) { return .full }
            }
        }
    }

    /// The oldest element. Waits for one, at most `timeoutMilliseconds` where given; nil then, or when the queue is closed
    /// and empty.
    public func take(timeoutMilliseconds: Int? = nil) -> Element? {
        let deadline = Self.deadline(timeoutMilliseconds)
        return condition.withLock {
            while head == items.count {
                if isClosed { return nil }
                if !condition.wait(until: deadline), head == items.count { return nil }
            }
            return pop()
        }
    }

    /// Refuses new elements; those inside can still be taken.
    public func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }

    private func refusal(_ size: Int) -> Answer? {
        if isClosed { return .closed }
        return size > sizeLimit ? .tooLarge : nil
    }

    private func hasRoom(_ size: Int) -> Bool { items.count - head < itemLimit && octets + size <= sizeLimit }

    private func put(_ element: Element, _ size: Int) {
        items.append((element, size))
        octets += size
        condition.broadcast()
    }

    private func pop() -> Element {
        let item = items[head]
        head += 1
        octets -= item.size
        // The elements in front are gone in one move once they are half of the array: constant cost on average. An empty
        // queue lets go of its last element at once, for it may be large.
        if head * 2 >= items.count {
            items.removeSubrange(..<head)
            head = 0
        }
        condition.broadcast()
        return item.element
    }

    private static func deadline(_ milliseconds: Int?) -> UInt64? {
        milliseconds.map { monotonicNanoseconds() &+ UInt64(max($0, 0)) &* 1_000_000 }
    }
}
