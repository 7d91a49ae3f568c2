public import PerigeeCore

/// What the spool holds of one epoch as of its last commit.
public struct SpoolState: Equatable, Sendable {
    public var epoch: Epoch
    /// Smallest unsettled number, tombstones included, or `next`.
    public var lowest: UInt64
    /// The number that the next packet gets.
    public var next: UInt64
    /// Unsettled packets.
    public var heldCount: Int
    /// Their octets.
    public var heldSize: Int
    /// Their octets by class, four.
    public var heldByPriority: [Int]
    /// When the oldest of them was stored.
    public var oldest: Timestamp?
    /// The lowest unsettled ones, at most `tombstoneLimit`.
    public var tombstones: [Tombstone]
    /// No packet joins it any more.
    public var isClosed: Bool
    /// Its file is gone: only holes can be explained.
    public var isLost: Bool

    /// Tombstones that a state names at most.
    public static let tombstoneLimit = 64
}

/// An unsettled packet, or one of the ring of sent ones.
public struct SpooledPacket: Equatable, Sendable {
    public var number: UInt64
    public var priority: Int
    public var packet: [UInt8]
}

/// What a walk through numbers found.
public struct SpoolLoad: Equatable, Sendable {
    /// Looked through completely; less than asked for where the size was reached.
    public var numbers: Range<UInt64>
    /// Ascending.
    public var packets: [SpooledPacket]
}

/// The newest sequence number of a source's run that is stored, so that a frame sent again after a restart is known.
public struct SourceMark: Equatable, Sendable {
    public var sensor: String
    public var run: String
    public var newest: Int
    /// Bit `i`, lowest of the first octet first, says that the fate of `newest - i` was decided.
    public var window: [UInt8]

    /// See the properties.
    public init(sensor: String, run: String, newest: Int, window: [UInt8]) {
        self.sensor = sensor
        self.run = run
        self.newest = newest
        self.window = window
    }
}

/// Something that opening had to do, for the log and the counters.
public enum RecoveryEvent: Equatable, Sendable {
    /// The directory was empty.
    case created
    /// A new epoch was begun, and why.
    case newEpoch(reason: String)
    /// The file that the side file names is gone; its epoch is lost.
    case lost(epoch: Epoch)
    /// A damaged file was moved away, to `path`.
    case setAside(path: String, reason: String)
    /// Some frames of the write-ahead log were damaged; the commits behind them were kept.
    case mendedLog(frames: Int)
    /// The write-ahead log ends in frames that are not whole: of a commit that a power cut stopped, or damaged.
    case cutLog(frames: Int)
    /// What could be read of the file set aside: packets that are sent under their old numbers, and numbers without packet.
    case salvaged(epoch: Epoch, packets: Int, missing: Int)
}

extension RecoveryEvent {
    var isSetAside: Bool { if case .setAside = self { true } else { false } }
}
