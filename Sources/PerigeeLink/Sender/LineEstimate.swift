/// What acknowledgements tell of the line: the shortest and the usual time until one, and how fast octets become durable. Times
/// in milliseconds, rates in octets a second. It outlives a session, for the line does not change with it.
struct LineEstimate: Sendable {
    /// The usual time from sending to knowing, as TCP smooths it.
    private(set) var roundTrip: Double?
    private var shortest = Recent<Int64>()
    private var fastest = Recent<Double>()

    /// The shortest round trip of the last ten minutes with room on the line.
    var shortestRoundTrip: Int64? { shortest.best(min) }
    /// The fastest delivery of the last ten round trips.
    var rate: Double? { fastest.best(max) }

    /// `isLoaded`: it stood in the line behind others, so that it may shorten the shortest round trip and never lengthen it; a line
    /// that is always full would else take its own queue for its length.
    mutating func note(roundTrip milliseconds: Int64, isLoaded: Bool, now: Int64) {
        let sample = max(milliseconds, 1)
        roundTrip = roundTrip.map { $0 + (Double(sample) - $0) / 8 } ?? Double(sample)
        if isLoaded, let shortestRoundTrip, sample >= shortestRoundTrip { return }
        shortest.note(sample, now, period: 300_000, better: min)
    }

    /// A sample that had nothing more to send says only what the line can at least do.
    mutating func note(rate sample: Double, isLimited: Bool, now: Int64) {
        if isLimited, let rate, sample <= rate { return }
        fastest.note(sample, now, period: max(Int64(5 * (roundTrip ?? 0)), 5_000), better: max)
    }

    /// Octets that fill the line twice over its shortest round trip, or for a second more than it: commits at the gateway come in
    /// groups and its disk may be slow, so that a fast line waits for disks and not for light.
    func window(atLeast least: Int) -> Int {
        guard let rate, let shortestRoundTrip else { return least }
        return max(least, Int(min(rate * Double(shortestRoundTrip + max(shortestRoundTrip, 1_000)) / 1_000, 1e9)))
    }

    /// Octets that one second of the line carries.
    func oneSecond(limit: Int?, unknown: Int) -> Int {
        let measured = rate.map { Int(min($0, 1e9)) }
        return [measured, limit].compactMap { $0 }.min() ?? unknown
    }
}

/// The best value of this period and the one before, so that old ones are forgotten.
private struct Recent<Value: Comparable & Sendable>: Sendable {
    private var began: Int64?
    private var current: Value?
    private var before: Value?

    mutating func note(_ value: Value, _ now: Int64, period: Int64, better: (Value, Value) -> Value) {
        if let began, now - began >= period {
            before = current
            current = nil
            self.began = now
        } else if began == nil {
            began = now
        }
        current = current.map { better($0, value) } ?? value
    }

    func best(_ better: (Value, Value) -> Value) -> Value? {
        guard let current else { return before }
        return before.map { better($0, current) } ?? current
    }
}
