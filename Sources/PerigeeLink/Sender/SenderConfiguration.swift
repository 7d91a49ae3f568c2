public import PerigeeCore

/// Who a station is to its gateway, and its patience. Times in milliseconds; the defaults are those of Docs/link-protocol.md.
public struct SenderConfiguration: Sendable {
    public var station: StationName
    public var epoch: Epoch
    /// New at each start of the process.
    public var boot: UInt64
    /// Firmware that the packets are made with.
    public var firmware: [UInt32] = []
    public var clockQuality = ClockQuality.unknown
    /// What the station itself allows in flight; the gateway's credit may be less.
    public var window = Credit(packets: 256, size: 256 << 10)
    /// How long a batch that is not full waits for more packets.
    public var holdMilliseconds: Int64 = 20
    public var connectMilliseconds: Int64 = 30_000
    public var greetingMilliseconds: Int64 = 10_000
    public var greetingCount = 3
    public var pingMilliseconds: Int64 = 15_000
    public var pingCount = 3
    public var progressMilliseconds: Int64 = 30_000
    public var backoffMilliseconds: Int64 = 1_000
    public var backoffLimitMilliseconds: Int64 = 60_000
    /// A session of this length makes the next backoff short again.
    public var goodSessionMilliseconds: Int64 = 60_000
    public var refusedBackoffMilliseconds: Int64 = 30_000
    public var refusedBackoffLimitMilliseconds: Int64 = 900_000

    /// See the properties.
    public init(station: StationName, epoch: Epoch, boot: UInt64) {
        self.station = station
        self.epoch = epoch
        self.boot = boot
    }
}
