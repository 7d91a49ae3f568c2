import PerigeeConcurrency
import PerigeeTestSupport
import Testing

private let second: UInt64 = 1_000_000_000

/// A loop with a clock that the test turns.
private struct Clocked {
    let clock = Locked<UInt64>(second)
    let loop: LoopProgress

    init(patienceSeconds: Int) {
        let clock = clock
        loop = LoopProgress("lane-0", patienceSeconds: patienceSeconds, nanoseconds: { clock.current })
    }

    func pass(seconds: UInt64) { clock.withLock { $0 += seconds * second } }
}

@Test("a loop stalls when it does not turn within its patience, and is well again when it does")
func stalls() {
    let clocked = Clocked(patienceSeconds: 5)
    clocked.pass(seconds: 5)
    #expect(!clocked.loop.isStalled)
    clocked.pass(seconds: 1)
    #expect(clocked.loop.isStalled)
    clocked.loop.note()
    #expect(!clocked.loop.isStalled)
}

@Test("what is allowed to be slow may take so long, and so long again after each turn inside it")
func allows() {
    let clocked = Clocked(patienceSeconds: 5)
    clocked.loop.allow(seconds: 180) {
        clocked.pass(seconds: 180)
        #expect(!clocked.loop.isStalled)
        clocked.loop.note()
        clocked.pass(seconds: 180)
        #expect(!clocked.loop.isStalled)
        clocked.pass(seconds: 1)
        #expect(clocked.loop.isStalled)
    }
    // the turn is done, and patience is the usual one again
    #expect(!clocked.loop.isStalled)
    clocked.pass(seconds: 6)
    #expect(clocked.loop.isStalled)
}

@Test("a loop that ended is waited for no more")
func ends() {
    let clocked = Clocked(patienceSeconds: 5)
    clocked.loop.end()
    clocked.pass(seconds: 1_000)
    #expect(!clocked.loop.isStalled)
}

@Test("patience is longer than the longest wait of a loop that has nothing to do")
func shortestPatience() {
    let clocked = Clocked(patienceSeconds: 0)
    clocked.pass(seconds: UInt64(LoopProgress.turnMilliseconds / 1_000))
    #expect(!clocked.loop.isStalled)
}

@Test("a taker that waits turns its loop, and ends with a queue that is closed and empty", .timeLimit(.minutes(10)))
func takesTurning() async throws {
    let turns = Locked(0)
    let loop = LoopProgress("lane-0", patienceSeconds: 5) {
        turns.withLock { $0 += 1 }
        return monotonicNanoseconds()
    }
    let queue = BoundedQueue<Int>(itemLimit: 2, octetLimit: 2)
    #expect(queue.offer(7, size: 1) == .accepted)
    #expect(queue.take(noting: loop) == 7)
    let before = turns.current
    let thread = NamedThread("taker") {
        #expect(queue.take(noting: loop) == 8)
        #expect(queue.take(noting: loop) == nil)
    }
    try await wait { turns.current >= before + 3 }  // three turns without anything to take
    #expect(queue.offer(8, size: 1) == .accepted)
    queue.close()
    thread.join()
    #expect(queue.isFinished)
}

@Test("a giver that waits for room turns its loop", .timeLimit(.minutes(10)))
func appendsTurning() async throws {
    let turns = Locked(0)
    let loop = LoopProgress("lane-0", patienceSeconds: 5) {
        turns.withLock { $0 += 1 }
        return monotonicNanoseconds()
    }
    let queue = BoundedQueue<Int>(itemLimit: 1, octetLimit: 2)
    #expect(queue.append(1, size: 1, noting: loop) == .accepted)
    let before = turns.current
    let thread = NamedThread("giver") { #expect(queue.append(2, size: 1, noting: loop) == .accepted) }
    try await wait { turns.current >= before + 3 }
    #expect(queue.take() == 1)
    thread.join()
    #expect(queue.append(3, size: 9, noting: loop) == .tooLarge)
    queue.close()
    #expect(queue.append(3, size: 1, noting: loop) == .closed)
}
