public import PerigeeCore

/// A frame as it is given to the spool: the unit of the ledger.
public struct SpoolFrame: Sendable {
    /// Number in the epoch, from `Spool.nextFrame` on.
    public var number: UInt64
    /// Whose counters it belongs to; the sensor.
    public var label: String
    /// Class: 0 control and alarm, 1 event, 2 normal, 3 bulk.
    public var priority: Int
    /// Octets of its samples, decompressed.
    public var rawSize: Int
    /// Now, by the station's clock.
    public var stored: Timestamp
    /// The declaration that it is the first to use.
    public var declaration: SpoolDeclaration?
    /// Packets to send, by layer, whole and with checksum.
    public var layers: [[[UInt8]]]
    /// Packets of the layers behind those, kept in a ring for refinement.
    public var finer: [[[UInt8]]]
    /// What finer layers can be made of, kept in a ring.
    public var raw: [UInt8]?

    /// See the properties.
    public init(
        number: UInt64, label: String, priority: Int, rawSize: Int, stored: Timestamp,
        declaration: SpoolDeclaration? = nil, layers: [[[UInt8]]], finer: [[[UInt8]]] = [], raw: [UInt8]? = nil
    ) {
        self.number = number
        self.label = label
        self.priority = priority
        self.rawSize = rawSize
        self.stored = stored
        self.declaration = declaration
        self.layers = layers
        self.finer = finer
        self.raw = raw
    }

    /// Octets of the packets to send, the declaration's included.
    var packetSize: Int {
        layers.reduce(declaration?.packet.count ?? 0) { $0 + $1.reduce(0) { $0 + $1.count } }
    }

    var packetCount: Int { layers.reduce(declaration == nil ? 0 : 1) { $0 + $1.count } }
}

/// A declaration and the packet that makes it.
public struct SpoolDeclaration: Equatable, Sendable {
    public var number: Int
    public var packet: [UInt8]

    /// See the properties.
    public init(number: Int, packet: [UInt8]) {
        self.number = number
        self.packet = packet
    }
}

/// A frame none of whose packets waits any more.
public struct SettledFrame: Equatable, Sendable {
    /// What became of it.
    public enum Fate: Equatable, Sendable {
        /// The gateway holds it, `thinned` without some of its finer layers.
        case delivered(thinned: Bool)
        /// Packets of its coarsest layer were given up.
        case dropped(TombstoneReason)
        /// The gateway refused one of its packets.
        case quarantined
    }

    public var epoch: Epoch
    public var number: UInt64
    public var label: String
    public var priority: Int
    public var rawSize: Int
    public var packetSize: Int
    public var stored: Timestamp
    public var fate: Fate
}

/// What a step of settling or dropping did.
public struct Settlement: Equatable, Sendable {
    /// Frames that have nothing waiting any more.
    public var frames: [SettledFrame] = []
    /// False where more is to do: commit, and call again.
    public var isComplete = true
    /// Packets that this step took away.
    public var packets = 0
    /// Numbers of packets of refined layers among them: they count for no frame.
    public var refined: [UInt64] = []
}

/// Layers of a frame that were put on their way after those that were sent at once.
public struct RefinedPackets: Equatable, Sendable {
    /// The numbers of their packets.
    public var numbers: Range<UInt64>
    /// The layers, each whole.
    public var layers: Range<Int>

    /// See the properties.
    public init(numbers: Range<UInt64>, layers: Range<Int>) {
        (self.numbers, self.layers) = (numbers, layers)
    }
}

/// What the ring of raw frames has of one.
public struct KeptFrame: Equatable, Sendable {
    /// As they were given to the spool.
    public var octets: [UInt8]
    /// How many of its layers were sent.
    public var layers: Int
    public var label: String
    public var priority: Int
}
