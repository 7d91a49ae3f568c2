/// Frames of one epoch at the far end whose references are missing or differ, and what is asked of the station for them: the missing
/// layers once, then a plain frame instead once. What neither brings waits for the next key of its place. A pure value.
public struct WaitingFrames: Equatable, Sendable {
    /// Why a frame is not decoded.
    public enum Reason: Equatable, Sendable {
        case waitingForReference
        case referenceDiffers
    }

    /// What to ask the station.
    public enum Want: Hashable, Sendable {
        /// The first `layers` layers of a frame.
        case layers(MemoryReference)
        /// The frame again, without references, under a new number.
        case plain(UInt64)
    }

    /// Frames that are kept in mind; the oldest beyond it are asked for no more.
    public static let limit = 4_096

    /// A frame that waits. Its owner may keep it over restarts.
    public struct Frame: Equatable, Sendable {
        public var reason: Reason
        /// Asked for and not answered yet.
        public var open: Set<Want> = []
        public var hasAskedLayers = false
        public var hasAskedPlain = false

        /// One for which nothing was asked.
        public init(reason: Reason) { self.reason = reason }

        /// Nothing is asked for it any more.
        public var isLost: Bool { hasAskedPlain && open.isEmpty }
    }

    /// Frames that wait, by their numbers.
    public private(set) var frames: [UInt64: Frame]

    /// Those that waited before; none as a rule.
    public init(_ frames: [UInt64: Frame] = [:]) { self.frames = frames }

    /// Frames that wait, and why.
    public var reasons: [UInt64: Reason] { frames.mapValues(\.reason) }

    /// Frames for which nothing is asked any more: only a key frame of their place helps.
    public var lost: [UInt64] {
        frames.filter(\.value.isLost).map(\.key).sorted()
    }

    /// A frame waits, and is asked for later: too much is asked for already.
    public mutating func hold(_ frame: UInt64) {
        keep(frame, frames[frame] ?? Frame(reason: .waitingForReference))
    }

    /// A frame cannot be decoded for want of `missing`; answers what is to be asked for it now.
    public mutating func wait(_ frame: UInt64, missing: [MemoryReference]) -> [Want] {
        var entry = frames[frame] ?? Frame(reason: .waitingForReference)
        entry.reason = .waitingForReference
        defer { keep(frame, entry) }
        guard entry.open.isEmpty else { return [] }
        guard !entry.hasAskedLayers else { return askPlain(frame, &entry) }
        entry.hasAskedLayers = true
        entry.open = Set(missing.map(Want.layers))
        return missing.map(Want.layers)
    }

    /// What a frame was predicted from came out otherwise than its hash says: no layer would mend that.
    public mutating func differ(_ frame: UInt64) -> [Want] {
        var entry = frames[frame] ?? Frame(reason: .referenceDiffers)
        entry.reason = .referenceDiffers
        defer { keep(frame, entry) }
        guard entry.open.isEmpty else { return [] }
        return askPlain(frame, &entry)
    }

    /// The station answered a want: what it sends has been filed, or it has nothing to send. Resolve then the frames that this names
    /// anew: they are decoded, or `wait` asks for the next thing.
    public mutating func answer(_ want: Want) -> [UInt64] {
        var touched: [UInt64] = []
        for frame in frames.keys.sorted() where frames[frame]?.open.remove(want) != nil { touched.append(frame) }
        return touched
    }

    /// A frame is decoded, or another took its place.
    public mutating func settle(_ frame: UInt64) { frames[frame] = nil }

    private func askPlain(_ frame: UInt64, _ entry: inout Frame) -> [Want] {
        guard !entry.hasAskedPlain else { return [] }
        entry.hasAskedPlain = true
        entry.open = [.plain(frame)]
        return [.plain(frame)]
    }

    private mutating func keep(_ frame: UInt64, _ entry: Frame) {
        frames[frame] = entry
        if frames.count > Self.limit, let oldest = frames.keys.min() { frames[oldest] = nil }
    }
}
