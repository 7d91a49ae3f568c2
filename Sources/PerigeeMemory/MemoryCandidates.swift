/// References that a frame may name, and what a decoder needs for them.
public struct MemoryCandidates: Equatable, Sendable {
    /// One of them.
    public struct Candidate: Equatable, Sendable {
        public var reference: FrameReference
        /// See Docs/memory.md, "Which reference": 0 to 1.
        public var score: Double
        /// A frame that names it is one deeper.
        public var depth: Int
    }

    /// Best first.
    public var ranked: [Candidate] = []
    /// They and all frames that they are decoded from, by number.
    public var frames: [UInt64: RememberedFrame] = [:]
    /// Why the frame has no history at all.
    public var ineligible: HistoryIneligibility?

    init(ineligible: HistoryIneligibility? = nil) { self.ineligible = ineligible }
}

extension MemoryFrame {
    /// Without the layers that add next to nothing to a prediction.
    var cut: MemoryFrame {
        var frame = self
        frame.layers = Array(layers.prefix(MemoryRatio.layerCount(layers.map(\.ratio))))
        frame.sentLayers = min(sentLayers, frame.layers.count)
        return frame
    }

    /// What memory does not take, seen before anything is allocated for it.
    var refusal: MemoryLedger.Refusal? {
        let size = layers.reduce(0) { $0 + $1.octets.count }
        let isWithin =
            (1...MemoryLimit.layers).contains(layers.count) && references.count <= MemoryLimit.references
            && clearMap.count <= MemoryLimit.clearMapSize && size <= MemoryLimit.frameSize
            && (0...1).contains(clearShare) && (0...layers.count).contains(sentLayers)
            && frame <= MemoryLimit.frameNumber && sensor.utf8.count <= 64
            && layers.allSatisfy { (1...Int(Int32.max)).contains($0.ratio) }
        return isWithin ? nil : .limit
    }
}
