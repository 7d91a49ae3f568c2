import Glibc

/// How fast the line takes octets, measured while it has something to do. A pure value: events carry the time.
public struct LineMeter: Equatable, Sendable {
    /// Seconds over which the rate is averaged, of those in which octets waited.
    public static let window = 60.0
    /// An interval that ends with this much delivered in less time than a second would only show bursts.
    private static let shortest: Int64 = 1_000
    /// Without anything delivered for so long the line counts as down: its rate stays what it was.
    private static let silence: Int64 = 10_000

    /// Octets a second; nil until some were seen to be delivered.
    public private(set) var rate: Double?
    /// What waits, by priority 0 to 3, as of the last observation.
    public private(set) var backlog = [0, 0, 0, 0]
    private var delivered = 0
    private var time: Int64?
    private var weight = 0.0

    /// A line of which nothing is known but what the operator says of its rate.
    public init(plannedRate: Double? = nil) { rate = plannedRate }

    /// `delivered`: octets of packets acknowledged so far; `held`: those that wait, by priority 0 to 3; `now` in milliseconds of
    /// a clock that does not step.
    public mutating func observe(now: Int64, delivered: Int, held: [Int]) {
        let wasBusy = backlog.contains { $0 > 0 }
        backlog = (0..<4).map { $0 < held.count ? max(held[$0], 0) : 0 }
        guard let last = time, delivered >= self.delivered, now >= last else {
            (time, self.delivered) = (now, delivered)
            return
        }
        let duration = now - last
        guard duration >= Self.shortest else { return }
        let octets = delivered - self.delivered
        // an outage says nothing of the line as it was and will be, and an idle line nothing of what it could do
        guard wasBusy, octets > 0 || duration < Self.silence else {
            if duration >= Self.silence || !wasBusy { (time, self.delivered) = (now, delivered) }
            return
        }
        guard octets > 0 else { return }
        (time, self.delivered) = (now, delivered)
        let seconds = Double(duration) / 1_000
        let sample = Double(octets) / seconds
        guard let known = rate else {
            (rate, weight) = (sample, seconds)
            return
        }
        weight = min(weight + seconds, Self.window)
        rate = known + (sample - known) * min(1, seconds / weight)
    }

    /// Octets that wait and go out before a new frame of a priority.
    public func ahead(of priority: Int) -> Int { backlog.prefix(priority + 1).reduce(0, +) }
}
