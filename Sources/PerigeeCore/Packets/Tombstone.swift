/// Why packets that had a number will never come.
public enum TombstoneReason: UInt8, Sendable, CaseIterable {
    /// The spool was full, and they were of the lowest class.
    case quota = 1
    /// They were older than the spool may keep them.
    case expired
    /// The disk gave back other octets than it was given.
    case damaged
    /// The gateway refused them for good; they lie in the station's quarantine.
    case rejected
    /// A person removed them.
    case discarded
    /// The file that held them is gone.
    case lost
    /// Nothing is lost: the station holds them no more because another of its gateways has acknowledged them.
    case elsewhere

    /// Why a station loses packets: all but `elsewhere`.
    public static let drops = allCases.filter { $0 != .elsewhere }
}

/// Numbers of an epoch that will never come, and why: stored, sent and acknowledged like a packet, so that every hole at the gateway
/// is explained. Source: Docs/link-protocol.md, TOMBSTONE.
public struct Tombstone: Equatable, Sendable {
    /// Never empty; the first is at least 1.
    public var numbers: Range<UInt64>
    public var reason: TombstoneReason
    /// Frames that lost something by it, where the station knows.
    public var frames: Int
    /// Octets of the packets, where the station knows.
    public var size: Int
    /// When the first and last of them were stored, by the station's clock.
    public var first: Timestamp
    public var last: Timestamp

    /// See the properties.
    public init(
        numbers: Range<UInt64>, reason: TombstoneReason, frames: Int, size: Int, first: Timestamp, last: Timestamp
    ) {
        self.numbers = numbers
        self.reason = reason
        self.frames = frames
        self.size = size
        self.first = first
        self.last = last
    }
}
