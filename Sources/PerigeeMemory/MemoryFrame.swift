public import PerigeeCore

/// A frame as it is given to memory once it is encoded: what was sent of it, or may be sent later, as far as it serves as history.
public struct MemoryFrame: Sendable {
    /// One layer, and what the frame is worth with it and all layers before it.
    public struct Layer: Equatable, Sendable {
        public var octets: [UInt8]
        /// The ratio that was aimed at: 10,000 … 100, or finer.
        public var ratio: Int
        /// Mean squared error that was measured, in a unit that frames of one profile share; nil where nobody did.
        public var distortion: Float?

        /// A layer; see the properties.
        public init(octets: [UInt8], ratio: Int, distortion: Float? = nil) {
            self.octets = octets
            self.ratio = ratio
            self.distortion = distortion
        }
    }

    /// Number in the epoch.
    public var frame: UInt64
    /// Name of the profile.
    public var sensor: String
    /// What it was sent under, bases included.
    public var declaration: StreamDeclaration
    public var metadata: FrameMetadata
    /// Coarsest first, without gaps, the layers that are not sent yet included.
    public var layers: [Layer]
    /// Layers that are sent at once; the rest may follow where somebody wants it.
    public var sentLayers: Int
    /// What it was predicted from, in order of preference; none for a plain frame.
    public var references: [MemoryReference]
    /// Share of its valid pixels that show the ground, 0 to 1; 1 where nobody can tell.
    public var clearShare: Double
    /// Which blocks are clear, in a form of the caller's own.
    public var clearMap: [UInt8]

    /// A plain frame that is clear all over; see the properties.
    public init(
        frame: UInt64, sensor: String, declaration: StreamDeclaration, metadata: FrameMetadata, layers: [Layer],
        sentLayers: Int, references: [MemoryReference] = [], clearShare: Double = 1, clearMap: [UInt8] = []
    ) {
        self.frame = frame
        self.sensor = sensor
        self.declaration = declaration
        self.metadata = metadata
        self.layers = layers
        self.sentLayers = sentLayers
        self.references = references
        self.clearShare = clearShare
        self.clearMap = clearMap
    }
}

/// What memory values frames by.
public enum MemoryRatio {
    /// A frame is worth no more where it is finer than this.
    public static let finest = 100
    /// A plain frame sent as fine as this is a key: others of its place lean on it.
    public static let key = 300
}

/// A frame as memory gives it back: what a decoder needs for its acknowledged layers, the frames it depends on aside.
public struct RememberedFrame: Equatable, Sendable {
    public var frame: UInt64
    public var declaration: StreamDeclaration
    public var metadata: FrameMetadata
    /// Octets of the acknowledged layers, coarsest first, never one beyond a gap.
    public var layers: [[UInt8]]
    /// What it is decoded from, in order of preference.
    public var references: [MemoryReference]
    /// References that stand behind each other below it; 0 for a plain frame.
    public var depth: Int
    public var clearShare: Double
    public var clearMap: [UInt8]
}
