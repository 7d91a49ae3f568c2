import PerigeeStation
import Testing

@Suite("Forks")
struct ForkThrottleTests {
    @Test("the first fork is made at once, each further one waits twice as long, up to an hour")
    func doubles() {
        var throttle = ForkThrottle()
        var now: Int64 = 5
        #expect(throttle.permits(now))
        for wait in [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600] {
            let next = now + Int64(wait) * 1_000
            #expect(!throttle.permits(now) && !throttle.permits(next - 1), "\(wait) s")
            #expect(throttle.permits(next), "\(wait) s")
            now = next
        }
    }

    @Test("after a peace of twice its wait a fork counts as the first one again")
    func beginsAnew() {
        var throttle = ForkThrottle()
        #expect(throttle.permits(0))
        #expect(throttle.permits(10_000))
        // 20 s to wait, and 40 s of peace behind them
        #expect(throttle.permits(70_000))
        #expect(!throttle.permits(79_999))
        #expect(throttle.permits(80_000))
        #expect(!throttle.permits(99_999))
    }
}
