/// References that a frame may name, and what a decoder needs for them.
public struct MemoryCandidates: Equatable, Sendable {
    /// One of them.
    public struct Candidate: Equatable, Sendable {
        public var reference: MemoryReference
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
