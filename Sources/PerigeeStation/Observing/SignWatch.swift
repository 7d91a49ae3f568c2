package import PerigeeCore
package import PerigeeLink

/// When a sensor gave its last sign, a frame or a heartbeat, and how long it usually takes to the next. A pure value.
package struct SignWatch: Equatable, Sendable {
    /// What a person sees of a sensor at a glance: Docs/status.md section 1.
    package enum Mark: String, Sendable {
        case live, gap, dropped, late, stale
    }

    /// Weight of the newest interval in the usual one.
    private static let weight = 0.125
    /// Intervals without a sign after which a sensor is late, then stale, and how many seconds at least.
    private static let late = (intervals: 3.0, seconds: 15.0)
    private static let stale = (intervals: 10.0, seconds: 60.0)

    /// Of the monotonic clock, milliseconds.
    private var newest: Int64?
    package private(set) var lastSign: Timestamp?
    package private(set) var lastFrame: Timestamp?
    /// The usual time between two signs, seconds; nil before the second.
    package private(set) var interval: Double?
    /// Its source said that nothing more comes.
    private var hasEnded = false

    package init() {}

    /// Takes note of a sign.
    package mutating func note(_ now: LinkTime, isFrame: Bool, isEnd: Bool = false) {
        // the pause between two runs says nothing of either
        if let newest, !hasEnded {
            let gap = Double(now.monotonic - newest) / 1_000
            interval = interval.map { $0 + Self.weight * (gap - $0) } ?? gap
        }
        newest = now.monotonic
        lastSign = now.utc
        if isFrame { lastFrame = now.utc }
        hasEnded = isEnd
    }

    /// The mark now; nil where nothing is expected. `missed`, `dropped`: frames in the last ten minutes.
    package func mark(missed: Int, dropped: Int, now: Int64) -> Mark? {
        guard let newest, !hasEnded else { return nil }
        let silence = Double(now - newest) / 1_000
        func exceeds(_ limit: (intervals: Double, seconds: Double)) -> Bool {
            silence > max(limit.seconds, limit.intervals * (interval ?? 0))
        }
        if exceeds(Self.stale) { return .stale }
        if exceeds(Self.late) { return .late }
        if dropped > 0 { return .dropped }
        return missed > 0 ? .gap : .live
    }
}
