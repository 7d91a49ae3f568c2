internal import PerigeeCore

/// Limits of Docs/link-protocol.md that both ends check.
public enum LinkLimit {
    /// Octets of one message.
    public static let message = 32_768
    /// Octets that the packets of one DATA may hold together; the rest of the message is for its numbers.
    public static let batch = 31_744
    public static let batchPackets = 64
    public static let packet = Packet.sizeLimit
    public static let ranges = 32
    public static let firmware = 16
    public static let creditPackets = 1 << 16
    public static let creditSize = 1 << 30
    public static let text = 64
    /// Tombstones of one message.
    public static let tombstones = 64
    /// Numbers that one WANT may name together.
    public static let wantNumbers = 1 << 16
    /// Layers of a frame that a reference may count.
    public static let referenceLayers = FrameMetadata.Reference.layerLimit
    /// The lowest class of a packet; 0 is the highest.
    public static let priority: UInt8 = 3
    /// Octets of a packed bundle, and of one piece of it.
    public static let bundle = 1 << 30
    public static let piece = 16_384
    /// Octets of a SHA-256.
    public static let digest = 32
    /// Packet numbers stay below it, so that sums never overflow.
    public static let number: UInt64 = 1 << 62
    /// The one version of messages there is.
    public static let version: UInt8 = 1
}
