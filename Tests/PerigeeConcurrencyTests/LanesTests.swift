import PerigeeConcurrency
import Testing

@Test("each index is done once, and no two bodies share a lane", .timeLimit(.minutes(10)), arguments: [1, 2, 5])
func loops(laneCount: Int) {
    let lanes = Lanes(count: laneCount, name: "test")
    for count in [0, 1, 2, 100] {
        let done = Locked([Int](repeating: 0, count: count))
        let busy = Locked([Int](repeating: 0, count: laneCount))
        let clashes = Locked(0)
        lanes.forEach(count) { lane, index in
            let before = busy.withLock { busy in
                busy[lane] += 1
                return busy[lane]
            }
            if before != 1 { clashes.withLock { $0 += 1 } }
            done.withLock { $0[index] += 1 }
            busy.withLock { $0[lane] -= 1 }
        }
        #expect(done.current == [Int](repeating: 1, count: count))
        #expect(clashes.current == 0)
    }
}

@Test("loops of several callers take turns", .timeLimit(.minutes(10)))
func callers() {
    let lanes = Lanes(count: 3, name: "shared")
    let sum = Locked(0)
    let callers = (0..<4).map { caller in
        NamedThread("caller-\(caller)") {
            for _ in 0..<50 { lanes.forEach(20) { _, index in sum.withLock { $0 += index } } }
        }
    }
    for caller in callers { caller.join() }
    #expect(sum.current == 4 * 50 * 190)
}

@Test("a lock keeps additions of many threads, and passes errors on", .timeLimit(.minutes(10)))
func locks() {
    struct Refused: Error {}
    let value = Locked(0)
    let threads = (0..<4).map { index in
        NamedThread("adder-\(index)") { for _ in 0..<10_000 { value.withLock { $0 += 1 } } }
    }
    for thread in threads { thread.join() }
    #expect(value.current == 40_000)
    #expect(throws: Refused.self) {
        try value.withLock { (_: inout Int) throws(Refused) -> Void in throw Refused() }
    }
}

@Test("joining with a time ends when the time or the thread does", .timeLimit(.minutes(10)))
func joinsInTime() {
    let gate = BoundedQueue<Int>(itemLimit: 1, octetLimit: 1)
    let thread = NamedThread("waits") { _ = gate.take() }
    #expect(!thread.join(timeoutMilliseconds: 1))
    gate.close()
    thread.join()
    #expect(thread.join(timeoutMilliseconds: 0))
}
