import PerigeeStation
import Testing

@Suite("Forks")
struct ForkThrottleTests {
    /// Which of these moments, in milliseconds, permit a fork.
    private func permitted(_ moments: [Int64]) -> [Int64] {
        var throttle = ForkThrottle()
        return moments.filter { throttle.permits($0) }
    }

    @Test("the first fork is made at once, each further one waits twice as long, up to an hour")
    func doubles() {
        var moments: [Int64] = []
        var due: [Int64] = [5]
        for wait in [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600] {
            let last = due.last ?? 0
            due.append(last + Int64(wait) * 1_000)
            moments += [last, last, last + 1, (due.last ?? 0) - 1]
        }
        #expect(permitted(moments + due.suffix(1)) == due)
    }

    @Test("after a peace of twice its wait a fork counts as the first one again")
    func beginsAnew() {
        // the second one has 20 s to wait, and 40 s of peace behind them
        #expect(permitted([0, 10_000, 69_999]) == [0, 10_000, 69_999])
        #expect(permitted([0, 10_000, 69_999, 109_998, 109_999]) == [0, 10_000, 69_999, 109_999])
        #expect(permitted([0, 10_000, 70_000, 79_999, 80_000, 99_999]) == [0, 10_000, 70_000, 80_000])
    }
}
