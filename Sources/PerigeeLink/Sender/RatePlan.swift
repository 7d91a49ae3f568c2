public import PerigeeCore

/// How many octets a second a station may send, by the minute of the day in UTC. Octets of the wire, ZMTP's framing included.
public struct RatePlan: Equatable, Sendable {
    /// A part of each day with a rate of its own.
    public struct Window: Equatable, Sendable {
        /// Minutes of the day, 0 to 1,439; one that ends before it begins goes over midnight.
        public var fromMinute: Int
        /// The first minute behind it, 1 to 1,440.
        public var toMinute: Int
        /// Octets a second; 0 is closed: no connection either; nil is without limit.
        public var rate: Int?

        /// See the properties.
        public init(fromMinute: Int, toMinute: Int, rate: Int?) {
            self.fromMinute = fromMinute
            self.toMinute = toMinute
            self.rate = rate
        }

        func contains(_ minute: Int) -> Bool {
            fromMinute < toMinute
                ? (fromMinute..<toMinute).contains(minute) : minute >= fromMinute || minute < toMinute
        }
    }

    /// Octets a second outside of the windows; nil is without limit.
    public var rate: Int?
    /// The first that contains the minute counts.
    public var windows: [Window]

    /// Without limit.
    public init(rate: Int? = nil, windows: [Window] = []) {
        self.rate = rate
        self.windows = windows
    }

    /// Octets a second at a time; 0 is closed, nil without limit.
    public func rate(at time: Timestamp) -> Int? {
        guard !windows.isEmpty else { return rate }
        let minute = Self.minute(time)
        if let window = windows.first(where: { $0.contains(minute) }) { return window.rate }
        return rate
    }

    /// Milliseconds until the next minute at which a window begins or ends; nil where there are none.
    public func millisecondsToChange(after time: Timestamp) -> Int64? {
        let day: Int64 = 86_400_000
        let inDay = ((time.milliseconds % day) + day) % day
        return windows.flatMap { [$0.fromMinute, $0.toMinute] }.map { minute in
            let distance = (Int64(minute) * 60_000 - inDay + day) % day
            return distance == 0 ? day : distance
        }.min()
    }

    private static func minute(_ time: Timestamp) -> Int {
        let minutes = Int((time.milliseconds / 60_000) % 1_440)
        return minutes < 0 ? minutes + 1_440 : minutes
    }
}

/// Octets that may go out now: they come at the plan's rate, and not more than one second of them is kept. A message that is larger
/// leaves a debt, so that the rate holds on average whatever the size of messages.
struct TokenBucket: Sendable {
    private var tokens = 0.0
    private var time: Int64?
    private var rate: Int?

    /// Lets time pass.
    mutating func refill(_ now: LinkTime, _ plan: RatePlan) {
        rate = plan.rate(at: now.utc)
        guard let rate else { return }
        let passed = time.map { max(now.monotonic - $0, 0) } ?? 1_000
        time = now.monotonic
        tokens = min(tokens + Double(rate) * Double(passed) / 1_000, Double(rate))
    }

    /// Octets a second; nil is without limit.
    var limit: Int? { rate }

    /// Whether something may be sent now.
    var isOpen: Bool { rate == nil || tokens > 0 }

    mutating func take(_ size: Int) { if rate != nil { tokens -= Double(size) } }

    /// When something may be sent again, for a bucket that is not open.
    func openTime(_ now: Int64) -> Int64 {
        guard let rate, rate > 0 else { return now + 60_000 }
        return now + Int64((1 - tokens) * 1_000 / Double(rate)) + 1
    }
}
