import PerigeeConcurrency
import PerigeeTestSupport
import Testing

@Test("elements leave in the order in which they came")
func order() {
    let queue = BoundedQueue<Int>(itemLimit: 100, octetLimit: 1_000)
    var expected: [Int] = []
    var taken: [Int] = []
    var generator = SeededGenerator(seed: 1)
    for value in 0..<2_000 {
        if queue.offer(value, size: 10) == .accepted { expected.append(value) }
        if Bool.random(using: &generator), let element = queue.take(timeoutMilliseconds: 0) { taken.append(element) }
    }
    queue.close()
    while let element = queue.take() { taken.append(element) }
    #expect(taken == expected)
    #expect(taken.count > 900)
    #expect(queue.count == 0 && queue.size == 0)
}

@Test("a full queue refuses what is offered and keeps what it has")
func refuses() {
    let queue = BoundedQueue<String>(itemLimit: 2, octetLimit: 10)
    #expect(queue.offer("a", size: 6) == .accepted)
    #expect(queue.offer("b", size: 5) == .full)
    #expect(queue.offer("c", size: 4) == .accepted)
    #expect(queue.offer("d", size: 0) == .full)
    #expect(queue.offer("e", size: 11) == .tooLarge)
    #expect(queue.append("f", size: 1, timeoutMilliseconds: 1) == .full)
    #expect(queue.append("g", size: 11) == .tooLarge)
    #expect(queue.count == 2 && queue.size == 10)
    #expect(queue.take() == "a")
    #expect(queue.offer("h", size: 6) == .accepted)
}

@Test("a closed queue takes nothing more and gives out what is left")
func closes() {
    let queue = BoundedQueue<Int>(itemLimit: 4, octetLimit: 4)
    #expect(queue.offer(1, size: 1) == .accepted)
    queue.close()
    #expect(queue.offer(2, size: 1) == .closed)
    #expect(queue.append(2, size: 1) == .closed)
    #expect(queue.take() == 1)
    #expect(queue.take() == nil)
}

@Test("an empty queue answers nil after the time given")
func timeout() {
    #expect(BoundedQueue<Int>(itemLimit: 1, octetLimit: 1).take(timeoutMilliseconds: 1) == nil)
}

@Test("producers wait for room, and every element arrives once, in its producer's order", .timeLimit(.minutes(10)))
func backPressure() {
    let queue = BoundedQueue<Int>(itemLimit: 3, octetLimit: 30)
    let largest = Locked(0)
    let producers = (0..<4).map { producer in
        NamedThread("producer-\(producer)") {
            for index in 0..<500 {
                if queue.append(producer * 1_000 + index, size: 9) != .accepted { return }
            }
        }
    }
    var seen: [[Int]] = Array(repeating: [], count: 4)
    for _ in 0..<2_000 {
        let size = queue.size
        largest.withLock { $0 = max($0, size) }
        guard let value = queue.take() else { break }
        seen[value / 1_000].append(value % 1_000)
    }
    for producer in producers { producer.join() }
    #expect(seen == Array(repeating: Array(0..<500), count: 4))
    #expect(largest.current <= 27)
}

@Test("closing wakes who waits for room and who waits for an element", .timeLimit(.minutes(10)))
func wakes() {
    let full = BoundedQueue<Int>(itemLimit: 1, octetLimit: 1)
    let empty = BoundedQueue<Int>(itemLimit: 1, octetLimit: 1)
    _ = full.offer(1, size: 1)
    let answers = Locked<[String]>([])
    let threads = [
        NamedThread("appends") {
            let answer = full.append(2, size: 1)
            answers.withLock { $0.append("\(answer)") }
        },
        NamedThread("takes") {
            let element = empty.take()
            answers.withLock { $0.append("\(element == nil)") }
        },
    ]
    full.close()
    empty.close()
    for thread in threads { thread.join() }
    #expect(Set(answers.current) == ["closed", "true"])
}

@Test(
    "a queue that may hold more takes what waits for room; one that may hold less keeps what it has",
    .timeLimit(.minutes(10)))
func resized() {
    let queue = BoundedQueue<Int>(itemLimit: 10, octetLimit: 10)
    #expect(queue.offer(1, size: 10) == .accepted)
    let thread = NamedThread("append") { #expect(queue.append(2, size: 10) == .accepted) }
    queue.octetLimit = 20
    thread.join()
    queue.octetLimit = 5
    #expect(queue.count == 2 && queue.octetLimit == 5)
    #expect(queue.offer(3, size: 6) == .tooLarge && queue.offer(4, size: 1) == .full)
    #expect(queue.take() == 1 && queue.take() == 2 && queue.offer(5, size: 5) == .accepted)
}
