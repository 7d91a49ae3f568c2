/// What the far end has filed of a frame.
public struct FiledFrame: Equatable, Sendable {
    /// Layers from the first on that are there as a whole; one without octets is there with the first packet of the frame.
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
        /// Its references name later frames, stand too deep, or are too many: no station of ours wrote it.
        case malformed
    }

    /// Resolves the references of a frame. `filed` answers what the archive has of a frame of the same epoch, nil where nothing. Asks once
    /// for each frame, and for 1,024 at most.
    public static func resolve<Failure: Error>(
        _ frame: UInt64, references: [MemoryReference],
        filed: (UInt64) throws(Failure) -> FiledFrame?
    ) throws(Failure) -> Resolution {
        var walk = Walk<Failure>()
        guard try walk.visit(frame, references, below: 0, filed) != nil else { return .malformed }
        return walk.missing.isEmpty ? .decodable(walk.order.map(walk.reference)) : .waiting(walk.missing)
    }

    private static let frameLimit = 1_024

    private struct Walk<Failure: Error> {
        /// Frames, each behind what it depends on.
        var order: [UInt64] = []
        /// Layers that are needed of each.
        var layers: [UInt64: Int] = [:]
        var missing: [MemoryReference] = []
        /// Layers that are there.
        private var filedLayers: [UInt64: Int] = [:]

        func reference(_ frame: UInt64) -> MemoryReference {
            MemoryReference(frame: frame, layers: layers[frame] ?? 0)
        }

        /// How deep each frame stands.
        private var depths: [UInt64: Int] = [:]

        /// How deep a frame with these references stands; nil where they cannot be true.
        mutating func visit(
            _ frame: UInt64, _ references: [MemoryReference], below: Int,
            _ filed: (UInt64) throws(Failure) -> FiledFrame?
        ) throws(Failure) -> Int? {
            guard references.count <= MemoryLimit.references, references.isEmpty || below < MemoryLimit.depth else {
                return nil
            }
            var depth = 0
            for reference in references {
                guard reference.frame < frame, (1...MemoryLimit.layers).contains(reference.layers),
                    let its = try look(reference, below: below + 1, filed)
                else { return nil }
                depth = max(depth, its + 1)
            }
            return depth + below <= MemoryLimit.depth ? depth : nil
        }

        private mutating func look(
            _ reference: MemoryReference, below: Int, _ filed: (UInt64) throws(Failure) -> FiledFrame?
        ) throws(Failure) -> Int? {
            let frame = reference.frame
            if depths[frame] == nil {
                guard depths.count < ReferenceResolver.frameLimit else { return nil }
                let found = try filed(frame)
                guard let depth = try visit(frame, found?.references ?? [], below: below, filed) else { return nil }
                depths[frame] = depth
                filedLayers[frame] = found?.layers ?? 0
                order.append(frame)
            }
            guard let depth = depths[frame], depth + below <= MemoryLimit.depth else { return nil }
            layers[frame] = max(layers[frame] ?? 0, reference.layers)
            if filedLayers[frame] ?? 0 < reference.layers { note(reference) }
            return depth
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
