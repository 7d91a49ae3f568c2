import Glibc

/// How fast the line takes octets, measured while it has something to do. A pure value: events carry the time.
public struct LineMeter: Equatable, Sendable {
    /// Seconds over which the rate is averaged, of those in which octets waited.
    public static let window = 60.0
    /// Shorter intervals only show how packets are acknowledged together.
    private static let shortest: Int64 = 1_000
    /// Without anything delivered for so long the line counts as down: its rate stays what it was.
    private static let silence: Int64 = 30_000
    /// Part of the rate that one interval may replace.
    private static let share = 0.25

    /// Octets a second; nil until some were seen to be delivered.
    public private(set) var rate: Double?
    /// What waits, by priority 0 to 3, as of the last observation.
    public private(set) var backlog = [0, 0, 0, 0]
    private var delivered = 0
    private var time: Int64?
    /// What waited then.
    private var atLast = 0
    private var weight = 0.0

    /// A line of which nothing is known but what the operator says of its rate.
    public init(plannedRate: Double? = nil) { rate = plannedRate }

    /// The operator says another rate: what was measured before counts no more.
    mutating func plan(_ rate: Double) { (self.rate, weight) = (rate, 0) }

    /// `delivered`: octets of packets acknowledged so far; `held`: those that wait, by priority 0 to 3; `now` in milliseconds of
    /// a clock that does not step.
    public mutating func observe(now: Int64, delivered: Int, held: [Int]) {
        let waited = backlog.reduce(0, +)
        backlog = (0..<4).map { $0 < held.count ? max(held[$0], 0) : 0 }
        guard let last = time, delivered >= self.delivered, now >= last else {
            (time, self.delivered, atLast) = (now, delivered, backlog.reduce(0, +))
            return
        }
        let octets = delivered - self.delivered
        let duration = now - last
        // an outage says nothing of the line as it was and will be, and an idle line nothing of what it could do
        guard octets > 0 || waited == 0 || duration >= Self.silence else { return }
        guard duration >= Self.shortest || waited == 0 else { return }
        let hadEnough = atLast >= octets
        (time, self.delivered, atLast) = (now, delivered, backlog.reduce(0, +))
        guard octets > 0, waited > 0 || rate != nil, duration >= Self.shortest else { return }
        learn(Double(octets) / (Double(duration) / 1_000), seconds: Double(duration) / 1_000, isFull: hadEnough)
    }

    /// `isFull`: what waited at the start would have filled the line; else the sample only says what the line can at least do.
    private mutating func learn(_ sample: Double, seconds: Double, isFull: Bool) {
        guard let known = rate else {
            if isFull { (rate, weight) = (sample, seconds) }
            return
        }
        guard isFull || sample > known else { return }
        weight = min(weight + seconds, Self.window)
        rate = known + (sample - known) * min(Self.share, seconds / weight)
    }

    /// Octets that wait and go out before a new frame of a priority.
    public func ahead(of priority: Int) -> Int { backlog.prefix(priority + 1).reduce(0, +) }
}
