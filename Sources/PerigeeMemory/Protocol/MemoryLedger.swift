public import PerigeeCore

/// Which references a station may name: a pure value that knows no octets. `PlaceMemory` keeps to the same rules on disk; tests drive
/// both, and both ends over a bad line with this one.
///
/// A frame may be named at its acknowledged layers without a gap, in the epoch in which it was sent, while memory still holds it with
/// all that it depends on, and below the greatest depth. Source: Docs/memory.md, "The protocol".
public struct MemoryLedger: Equatable, Sendable {
    /// A frame that was given to memory.
    public struct Record: Equatable, Sendable {
        /// Layers that memory holds: fewer once some were given up.
        public internal(set) var layers: Int
        public internal(set) var acknowledged = AcknowledgedLayers()
        public let references: [MemoryReference]
        /// References that stand behind each other below it.
        public let depth: Int
        /// What it was coded with.
        public let firmware: UInt32

        /// Layers that a reference to it may count; 0 where it is none.
        public var nameable: Int {
            depth < MemoryLimit.depth ? min(acknowledged.prefixCount, layers) : 0
        }
    }

    /// Why a frame is not remembered.
    public enum Refusal: String, CaseIterable, Sendable {
        /// A reference of it is not, or no more, in memory at those layers.
        case reference
        /// Its number is not above those of its references.
        case order
        /// It would stand too deep.
        case depth
        /// More layers, references or octets than memory takes, or none.
        case limit
        /// Nothing that may go gives room for it.
        case room
    }

    public private(set) var epoch: Epoch
    public private(set) var records: [UInt64: Record] = [:]

    /// An empty memory of an epoch.
    public init(epoch: Epoch) { self.epoch = epoch }

    /// A frame was encoded: it waits for its acknowledgements. One of the same number was never shown to anyone, and goes.
    public mutating func encode(
        _ frame: UInt64, layers: Int, references: [MemoryReference], firmware: UInt32
    ) -> Refusal? {
        forget(frame)
        guard (1...MemoryLimit.layers).contains(layers), references.count <= MemoryLimit.references else {
            return .limit
        }
        var depth = 0
        for reference in references {
            guard reference.frame < frame else { return .order }
            guard let record = records[reference.frame], (1...MemoryLimit.layers).contains(reference.layers),
                record.acknowledged.prefixCount >= reference.layers, record.layers >= reference.layers
            else { return .reference }
            depth = max(depth, record.depth + 1)
        }
        guard depth <= MemoryLimit.depth else { return .depth }
        records[frame] = Record(layers: layers, references: references, depth: depth, firmware: firmware)
        return nil
    }

    /// The far end has filed all packets of a layer.
    public mutating func acknowledge(_ frame: UInt64, layer: Int) {
        guard let record = records[frame], layer < record.layers else { return }
        records[frame]?.acknowledged.insert(layer)
    }

    /// Layers from `layer` on will never be sent.
    public mutating func giveUp(_ frame: UInt64, from layer: Int) {
        guard let record = records[frame] else { return }
        // what was acknowledged is at the far end, whatever the station drops
        let kept = max(min(layer, record.layers), min(record.acknowledged.prefixCount, record.layers))
        if kept == 0 { forget(frame) } else { records[frame]?.layers = kept }
    }

    /// A frame goes, with all that depends on it: to make room, or because it turned out damaged.
    public mutating func forget(_ frame: UInt64) {
        guard records.removeValue(forKey: frame) != nil else { return }
        for (other, record) in records where record.references.contains(where: { $0.frame == frame }) { forget(other) }
    }

    /// The far end wants a frame again without references: what it was predicted from is not the same there.
    public mutating func distrust(_ frame: UInt64) {
        for reference in records[frame]?.references ?? [] { forget(reference.frame) }
    }

    /// The station starts: what its spool does not know of was never shown to anyone, and its number comes again.
    public mutating func start(epoch: Epoch, nextFrame: UInt64) {
        if epoch != self.epoch { self = MemoryLedger(epoch: epoch) }
        for frame in records.keys.filter({ $0 >= nextFrame }) { forget(frame) }
    }

    /// Another firmware is in use; it decodes streams of `compatible` as their own does.
    public mutating func keep(firmwares compatible: Set<UInt32>) {
        for (frame, record) in records where !compatible.contains(record.firmware) { forget(frame) }
    }

    /// The reference that a new frame may name, if any.
    public func reference(_ frame: UInt64) -> MemoryReference? {
        guard let layers = records[frame]?.nameable, layers > 0 else { return nil }
        return MemoryReference(frame: frame, layers: layers)
    }
}
