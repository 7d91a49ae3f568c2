import PerigeeCore
import PerigeeLink
import PerigeeMetrics
import PerigeeStation
import Testing

private func time(_ seconds: Int64) -> LinkTime {
    LinkTime(monotonic: 1_000 * seconds, utc: Timestamp(milliseconds: 1_000 * seconds))
}

@Test("a sensor is live, then late after three intervals, then stale after ten")
func silence() {
    var watch = SignWatch()
    #expect(watch.mark(missed: 0, dropped: 0, now: 0) == nil)
    for second in stride(from: Int64(0), through: 100, by: 10) { watch.note(time(second), isFrame: true) }
    #expect(watch.interval == 10)
    func mark(_ second: Int64, missed: Int = 0, dropped: Int = 0) -> SignWatch.Mark? {
        watch.mark(missed: missed, dropped: dropped, now: 1_000 * second)
    }
    #expect(mark(130) == .live && mark(131) == .late && mark(200) == .late && mark(201) == .stale)
    #expect(mark(110, missed: 1) == .gap && mark(110, missed: 1, dropped: 1) == .dropped)
    // silence matters more than what was before it
    #expect(mark(131, missed: 1, dropped: 1) == .late)
}

@Test("a heartbeat is a sign but no frame, and an end of a run expects nothing more")
func signs() {
    var watch = SignWatch()
    watch.note(time(0), isFrame: true)
    watch.note(time(2), isFrame: false)
    #expect(watch.lastFrame == time(0).utc && watch.lastSign == time(2).utc)
    #expect(watch.mark(missed: 0, dropped: 0, now: 16_000) == .live)
    watch.note(time(4), isFrame: false, isEnd: true)
    #expect(watch.mark(missed: 0, dropped: 0, now: 9_000_000) == nil)
    // the pause before the next run is no interval
    watch.note(time(9_000), isFrame: true)
    #expect(watch.interval == 2 && watch.mark(missed: 0, dropped: 0, now: 9_016_000) == .late)
}

@Test("a window counts what came within it")
func window() {
    var window = CounterWindow(seconds: 60)
    #expect(window.growth(5, now: 0) == 0)
    for second in 1...200 { _ = window.growth(5 + second, now: Int64(second) * 1_000) }
    let growth = window.growth(205, now: 200_000)
    #expect((60...70).contains(growth) && (60...70).contains(Int(window.seconds(200_000))))
    for second in 201...300 { _ = window.growth(205, now: Int64(second) * 1_000) }
    #expect(window.growth(205, now: 300_000) == 0)
    // one that was 0 grew from there, also before the first look
    var known = CounterWindow(seconds: 60, zero: 0)
    let (first, later) = (known.growth(4, now: 0), known.growth(4, now: 59_000))
    #expect(first == 4 && later == 4)
    // a counter that was taken back is no growth
    #expect(window.growth(100, now: 301_000) == 0)
}
