internal import PerigeeCore

/// Who a station is to its gateways, and its patience. Times in milliseconds; the defaults are those of Docs/link-protocol.md.
public struct SenderConfiguration: Sendable {
    public var station: StationName
    /// New at each start of the process.
    public var boot: UInt64
    /// Firmware that the packets are made with.
    public var firmware: [UInt32] = []
    public var clockQuality = ClockQuality.unknown
    /// How many gateways there are; the first is preferred.
    public var gatewayCount = 1
    /// What the station itself allows in flight; the gateway's credit may be less.
    public var window = Credit(packets: 4_096, size: 1 << 20)
    /// In flight before anything is known of the line, and never less.
    public var smallestWindow = 16 << 10
    /// Octets of packets in one DATA at most; the gateway's limit may be less.
    public var batchSize = 16 << 10
    /// Octets read ahead of the line.
    public var readAhead = 256 << 10
    /// How fast it may send, by the time of the day.
    public var ratePlan = RatePlan()
    /// What ZMTP adds to a message of up to 255 octets, and to a longer one.
    public var frameOverhead = (small: 2, large: 9)
    /// How long a batch that is not full waits for more packets.
    public var holdMilliseconds: Int64 = 20
    public var connectMilliseconds: Int64 = 30_000
    public var greetingMilliseconds: Int64 = 10_000
    public var greetingCount = 3
    public var pingMilliseconds: Int64 = 15_000
    /// On a line of at most `thinRate` octets a second.
    public var thinPingMilliseconds: Int64 = 30_000
    public var thinRate = 1_500
    public var pingCount = 3
    /// The least patience with packets in flight and no progress; slow lines get more.
    public var progressMilliseconds: Int64 = 30_000
    public var backoffMilliseconds: Int64 = 1_000
    public var backoffLimitMilliseconds: Int64 = 60_000
    /// A session of this length makes the next backoff short again.
    public var goodSessionMilliseconds: Int64 = 60_000
    public var refusedBackoffMilliseconds: Int64 = 30_000
    public var refusedBackoffLimitMilliseconds: Int64 = 900_000
    /// How long another gateway than the first is kept before the first is tried again.
    public var returnMilliseconds: Int64 = 600_000

    /// See the properties.
    public init(station: StationName, boot: UInt64) {
        self.station = station
        self.boot = boot
    }
}
