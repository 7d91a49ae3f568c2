import PerigeeCore

/// A frame that another one was predicted from: the first `layers` layers of frame `frame`, of the same epoch.
public struct MemoryReference: Hashable, Sendable {
    public var frame: UInt64
    /// 1 to 15.
    public var layers: Int

    /// The first `layers` layers of a frame.
    public init(frame: UInt64, layers: Int) {
        self.frame = frame
        self.layers = layers
    }
}

/// Limits of memory, checked before anything is allocated.
public enum MemoryLimit {
    /// Layers of a frame that memory keeps at most; a packet has four bits for their count.
    public static let layers = 15
    /// References of a frame.
    public static let references = 4
    /// References that stand behind each other: a frame of this depth is none.
    public static let depth = FrameMetadata.References.depthLimit
    /// Octets of the layers of one frame.
    public static let frameSize = 16 << 20
    /// Octets of a declaration: it travels in one packet.
    public static let declarationSize = 8_192
    /// Octets of a map of clear blocks.
    public static let clearMapSize = 4_096
    /// Frames of one place that wait for their acknowledgement; beyond it the oldest is forgotten.
    public static let pendingFrames = 4
    /// Entries that a search looks at; a frame that overlaps more takes the best of those found.
    public static let searchedEntries = 512
    /// Pixels from the origin of a grid to a frame, each way.
    public static let pixelDistance = 1 << 30
    /// Greatest frame number: it is the key of a row.
    public static let frameNumber = UInt64(Int64.max)
}

/// Which layers of a frame the far end has filed, as far as acknowledgements say. They come in any order.
public struct AcknowledgedLayers: Equatable, Sendable {
    /// Bit `k` is layer `k`.
    private(set) var bits: UInt32 = 0

    /// None yet.
    public init() {}

    init(bits: UInt32) { self.bits = bits }

    /// Notes a layer; one that memory does not count is passed over.
    public mutating func insert(_ layer: Int) {
        if (0..<MemoryLimit.layers).contains(layer) { bits |= 1 << UInt32(layer) }
    }

    public func contains(_ layer: Int) -> Bool {
        (0..<MemoryLimit.layers).contains(layer) && bits & 1 << UInt32(layer) != 0
    }

    /// Layers from the first on without a gap: only these may count in a reference.
    public var prefixCount: Int { (~bits).trailingZeroBitCount }
}
