public import PerigeeCore

/// A frame as the index knows it.
public struct ArchivedFrame: Equatable, Sendable {
    public var station: String
    public var epoch: Epoch
    /// Number of the declaration that its packets refer to.
    public var declaration: Int
    /// Counts from the base frame of the declaration.
    public var frameDelta: UInt64
    /// When its first and its last packet came.
    public var first: Timestamp
    public var last: Timestamp
    /// Grows whenever a packet of the frame, or its declaration, comes: where a follower goes on from.
    public var changed: Int64
    public var partCount: Int
    /// Octets of all its packets.
    public var size: Int
    /// Layers that are whole, counted from layer 0 without a gap.
    public var completeLayers: Int
    public var hasDeclaration: Bool
    /// Why a product could not be made, as the renderer said; nil where nothing is known to be wrong.
    public var undecodable: String?
    let epochRow: Int64
}

/// What is asked of the list of frames; everything given must hold.
public struct FrameFilter: Sendable {
    public var station: String?
    /// Only frames whose last packet came at this time or later.
    public var since: Timestamp?
    /// Only frames with `changed` above this.
    public var changedAfter: Int64 = 0
    /// The most frames to answer with.
    public var limit = 1_000

    /// All frames, the least recently changed first.
    public init() {}
}

/// What a decoder needs of one frame.
public struct FrameContent: Equatable, Sendable {
    public var declaration: StreamDeclaration
    /// Nil where part 0 has not come.
    public var metadata: FrameMetadata?
    /// Payload of the layers by number, up to the first gap; the last may be cut short. A layer without octets is empty.
    public var layers: [[UInt8]]
    /// How many of `layers` are whole.
    public var completeLayers: Int
}
