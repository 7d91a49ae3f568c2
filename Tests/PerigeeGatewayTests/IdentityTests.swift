import PerigeeGateway
import Testing

@Suite("Two stations with one name")
struct IdentityTests {
    private let period = IdentityWatch.periodMilliseconds

    @Test("a station that starts again and again is welcome, also after many starts")
    func restarts() {
        var watch = IdentityWatch()
        for boot in 1...100 as ClosedRange<UInt64> {
            for attempt in 0..<3 as Range<Int64> {
                #expect(watch.greet(boot: boot, now: Int64(boot) * 100 + attempt) == .welcome)
            }
        }
        #expect(!watch.isInConflict(10_300))
    }

    @Test("two that take over from each other are a conflict; the third time the older one is kept out")
    func clones() {
        var watch = IdentityWatch()
        #expect(watch.greet(boot: 10, now: 0) == .welcome)
        #expect(watch.greet(boot: 20, now: 1_000) == .welcome)  // may be a restart
        #expect(!watch.isInConflict(1_000))
        #expect(watch.greet(boot: 10, now: 2_000) == .conflict)
        #expect(watch.isInConflict(2_000))
        #expect(watch.greet(boot: 20, now: 3_000) == .conflict)
        #expect(watch.greet(boot: 10, now: 4_000) == .refused)
        #expect(watch.greet(boot: 20, now: 5_000) == .welcome)  // it was never away
        #expect(watch.greet(boot: 10, now: period) == .refused)
        #expect(watch.isInConflict(period))
        #expect(watch.greet(boot: 10, now: 4_000 + period) == .conflict)
        #expect(!watch.isInConflict(4_001 + 2 * period))
    }

    @Test("where the third flip is the newer one's, it wins and the older one is kept out")
    func newerWins() {
        var watch = IdentityWatch()
        for boot in [30, 40, 50] as [UInt64] { #expect(watch.greet(boot: boot, now: 0) == .welcome) }
        #expect(watch.greet(boot: 30, now: 1) == .conflict)
        #expect(watch.greet(boot: 40, now: 2) == .conflict)
        #expect(watch.greet(boot: 50, now: 3) == .conflict)
        #expect(watch.greet(boot: 40, now: 4) == .refused)
        #expect(watch.greet(boot: 50, now: 5) == .welcome)
    }

    @Test("flips that lie ten minutes apart keep nobody out")
    func slowFlips() {
        var watch = IdentityWatch()
        _ = watch.greet(boot: 1, now: 0)
        _ = watch.greet(boot: 2, now: 1)
        for turn in 1...20 as ClosedRange<Int64> {
            #expect(watch.greet(boot: turn % 2 == 1 ? 1 : 2, now: turn * period / 2) == .conflict)
        }
    }
}
