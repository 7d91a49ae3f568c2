/// What the far end has filed of a frame.
public struct FiledFrame: Equatable, Sendable {
    /// Layers from the first on that are there as a whole.
    public var layers: Int
    public var references: [MemoryReference]

    /// See the properties.
    public init(layers: Int, references: [MemoryReference]) {
        self.layers = layers
        self.references = references
    }
}

/// What a frame with references needs before it can be decoded, from what the far end has filed. A pure function: the archive answers it.
public enum ReferenceResolver {
    /// What becomes of a frame.
    public enum Resolution: Equatable, Sendable {
        /// These, in this order, each at so many layers; the frame itself is not among them.
        case decodable([MemoryReference])
        /// These are missing, wholly or in part: the nearest to the roots first.
        case waiting([MemoryReference])
        /// Its references name each other in a circle, name later frames, or stand too deep: no station of ours wrote it.
        case malformed
    }

    /// Resolves the references of a frame. `filed` answers what the archive has of a frame of the same epoch, nil where nothing. Looks at
    /// 4 + 16 + 64 + 256 frames at most.
    public static func resolve<Failure: Error>(
        _ frame: UInt64, references: [MemoryReference],
        filed: (UInt64) throws(Failure) -> FiledFrame?
    ) throws(Failure) -> Resolution {
        var walk = Walk<Failure>()
        guard try walk.visit(frame, references, depth: 1, filed) else { return .malformed }
        return walk.missing.isEmpty ? .decodable(walk.order.map(walk.reference)) : .waiting(walk.missing)
    }

    private struct Walk<Failure: Error> {
        /// Frames, each behind what it depends on.
        var order: [UInt64] = []
        /// Layers that are needed of each.
        var layers: [UInt64: Int] = [:]
        var missing: [MemoryReference] = []

        func reference(_ frame: UInt64) -> MemoryReference {
            MemoryReference(frame: frame, layers: layers[frame] ?? 0)
        }

        /// False where the references cannot be true.
        mutating func visit(
            _ frame: UInt64, _ references: [MemoryReference], depth: Int,
            _ filed: (UInt64) throws(Failure) -> FiledFrame?
        ) throws(Failure) -> Bool {
            guard references.count <= MemoryLimit.references, references.isEmpty || depth <= MemoryLimit.depth else {
                return false
            }
            for reference in references {
                guard reference.frame < frame, (1...MemoryLimit.layers).contains(reference.layers) else { return false }
                let known = layers[reference.frame]
                let found = try filed(reference.frame)
                if let found, !(try visit(reference.frame, found.references, depth: depth + 1, filed)) { return false }
                if found?.layers ?? 0 < reference.layers { note(reference) }
                layers[reference.frame] = max(known ?? 0, reference.layers)
                if known == nil { order.append(reference.frame) }
            }
            return true
        }

        private mutating func note(_ reference: MemoryReference) {
            if let index = missing.firstIndex(where: { $0.frame == reference.frame }) {
                missing[index].layers = max(missing[index].layers, reference.layers)
            } else {
                // what a missing frame itself needs is not known before it is there
                missing.append(reference)
            }
        }
    }
}
