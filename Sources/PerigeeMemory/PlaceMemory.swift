public import PerigeeCore
internal import PerigeeSQLite

/// What a station remembers of places: acknowledged layers of frames, in a file of its own. A cache: whatever befalls the file costs octets on the
/// line and nothing else, so no call throws. One thread at a time. Source: Docs/memory.md.
// The only reference to `store` is this value, and a noncopyable value is in one thread's hands at a time.
public struct PlaceMemory: ~Copyable, @unchecked Sendable {
    /// Limits and ages.
    public struct Configuration: Equatable, Sendable {
        /// Smallest quota that makes sense.
        public static let smallestQuota = 1 << 20

        /// Octets that the file uses at most.
        public var quota = 1 << 30
        /// Days after which a key gives way to any newer clear frame of its place.
        public var keyDays = 60
        /// Days after which the key of a season goes.
        public var seasonDays = 400

        /// The limits of a station that sets none.
        public init() {}

        var retention: Retention {
            Retention(keyAge: Int64(keyDays) * 86_400_000, seasonAge: Int64(seasonDays) * 86_400_000)
        }
    }

    /// What opening had to do.
    public enum OpeningEvent: Equatable, Sendable {
        case opened
        case created
        /// The file held frames of another epoch, which nobody may name any more: it began anew.
        case otherEpoch
        /// The file was damaged, or of another version: it lies beside as `.aside`, and a new one began.
        case setAside(reason: String)
        /// There is no memory for now: frames go plain.
        case unavailable(reason: String)
    }

    /// What became of a frame that was given to memory.
    public enum Outcome: Equatable, Sendable {
        /// It waits for its acknowledgements.
        case pending
        /// It has no history.
        case ineligible(HistoryIneligibility)
        case refused(MemoryLedger.Refusal)
        /// There is no memory for now, or the disk did not take it.
        case unavailable
    }

    /// Counters and gauges, for metrics.
    public struct Status: Equatable, Sendable {
        public var isAvailable = false
        public var entries = 0
        /// Groups of entries that share half of their ground.
        public var places = 0
        /// Octets that the file uses.
        public var size = 0
        public var quota = 0
        /// Searches that found a reference, and those that did not.
        public var hits = 0
        public var misses = 0
        public var ineligible: [HistoryIneligibility: Int] = [:]
        public var refused: [MemoryLedger.Refusal: Int] = [:]
        /// Entries that went to make room.
        public var evictions = 0
        /// Entries that newer frames of their place made needless.
        public var replaced = 0
        /// Entries that went because what they depend on did, or because somebody said so.
        public var forgotten = 0
        /// Entries that were damaged, and dropped.
        public var damaged = 0
        /// Files that were set aside since the start.
        public var filesSetAside = 0
        /// Calls that the disk refused, full or failing.
        public var failures = 0
        /// Calls while there was no memory.
        public var unavailable = 0
    }

    public let path: String
    public private(set) var configuration: Configuration
    /// What opening did last.
    public private(set) var event = OpeningEvent.created
    var counters = Status()
    var store: MemoryStore?
    /// The epoch whose frame numbers all calls mean: what becomes of frames of another one is not memory's.
    public private(set) var epoch: Epoch
    /// The number that the next frame had when this memory began with its epoch: what a file says of later ones is of another life.
    private var nextFrame: UInt64
    /// Firmwares whose streams the one in use decodes; nil: any.
    private var firmwares: Set<UInt32>?

    /// Opens the file at `path`, or makes it, for frames of `epoch`. `nextFrame` is the number that the next frame has: entries from there on
    /// were never shown to anyone, and go. It never fails: see `event`.
    public init(
        path: String, epoch: Epoch, nextFrame: UInt64, configuration: Configuration = Configuration()
    ) {
        self.path = path
        self.epoch = epoch
        self.configuration = configuration
        self.nextFrame = nextFrame
        open()
    }

    private var opening: MemoryOpening {
        MemoryOpening(path: path, epoch: epoch, quota: configuration.quota, retention: configuration.retention)
    }

    private mutating func open() {
        closeStore()
        do throws(SQLiteError) {
            let opened = try opening.open()
            event = opened.event
            store = opened.store
            if case .setAside = opened.event { counters.filesSetAside += 1 }
        } catch {
            event = .unavailable(reason: "\(error)")
            return
        }
        attempt { [nextFrame] store throws(SQLiteError) in try store.drop(from: nextFrame) }
        keepCompatible()
        makeRoom()
    }

    /// The file turned out damaged: what it holds is lost, and a new one begins.
    mutating func beginAnew(_ reason: String) {
        closeStore()
        opening.setAside()
        counters.filesSetAside += 1
        open()
        if store != nil { event = .setAside(reason: reason) }
    }

    private mutating func closeStore() {
        if let store { counters.add(store.counts) }
        store = nil
    }

    // MARK: frames

    /// Remembers a frame that was encoded. It may be named once it is acknowledged.
    public mutating func remember(_ frame: MemoryFrame, now: Timestamp) -> Outcome {
        let position: FramePosition
        do throws(HistoryIneligibility) {
            position = try FramePosition(
                sensor: frame.sensor, declaration: frame.declaration, metadata: frame.metadata)
        } catch { return .ineligible(error) }
        var refusal = frame.refusal
        if refusal == nil {
            let answer = attempt { store throws(SQLiteError) in try store.remember(frame, position, now: now) }
            guard let answer else { return .unavailable }
            refusal = answer
        }
        guard let refusal else { return .pending }
        counters.refused[refusal, default: 0] += 1
        return .refused(refusal)
    }

    /// The far end has filed all packets of these layers. Answers how many layers of the frame a reference may count now; nil where memory does not
    /// hold the frame.
    @discardableResult
    public mutating func acknowledge(_ frame: UInt64, layers: [Int]) -> Int? {
        attempt { store throws(SQLiteError) in try store.acknowledge(frame, layers: layers) } ?? nil
    }

    /// The far end has filed all packets of the layers that were sent at once.
    @discardableResult
    public mutating func acknowledgeSent(_ frame: UInt64) -> Int? {
        attempt { store throws(SQLiteError) in try store.acknowledge(frame, layers: nil) } ?? nil
    }

    /// Layers from `layer` on will never be sent: dropped, refused, or lost. What was acknowledged stays.
    public mutating func giveUp(_ frame: UInt64, from layer: Int) {
        attempt { store throws(SQLiteError) in try store.giveUp(frame, from: layer) }
    }

    /// A frame goes, with all that depends on it.
    public mutating func forget(_ frame: UInt64) {
        attempt { store throws(SQLiteError) in try store.forget(frame) }
    }

    /// The far end wants a frame again without references: what that was predicted from is not the same there, and goes.
    public mutating func distrust(_ frame: UInt64) {
        attempt { store throws(SQLiteError) in try store.distrust(frame) }
    }

    /// The best references for a frame of this stream, best first, at most `limit`. Call it once for each frame: it counts hits, misses, and
    /// frames that have no history.
    public mutating func candidates(
        sensor: String, declaration: StreamDeclaration, metadata: FrameMetadata,
        limit: Int = MemoryLimit.references
    ) -> MemoryCandidates {
        let position: FramePosition
        do throws(HistoryIneligibility) {
            position = try FramePosition(sensor: sensor, declaration: declaration, metadata: metadata)
        } catch {
            counters.ineligible[error, default: 0] += 1
            return MemoryCandidates(ineligible: error)
        }
        let found = attempt { store throws(SQLiteError) in
            try store.transaction { () throws(SQLiteError) in
                try store.candidates(
                    position, time: metadata.time.stamp, limit: min(max(limit, 0), MemoryLimit.references))
            }
        }
        guard let found, !found.ranked.isEmpty else {
            counters.misses += 1
            return MemoryCandidates()
        }
        counters.hits += 1
        return found
    }

    /// Whether a key covers most of a frame's ground in its season, acknowledged or on its way. nil where there is no memory, and for a
    /// frame that has no history.
    public mutating func hasKey(
        sensor: String, declaration: StreamDeclaration, metadata: FrameMetadata
    ) -> Bool? {
        guard
            let position = try? FramePosition(sensor: sensor, declaration: declaration, metadata: metadata)
        else { return nil }
        return attempt { store throws(SQLiteError) in try store.hasKey(position, time: metadata.time.stamp) }
    }

    /// A remembered frame with all that it is decoded from, by number: what the far end is sent when it wants a reference again. Nil where
    /// memory lacks any of it.
    public mutating func chain(of frame: UInt64) -> [UInt64: RememberedFrame]? {
        attempt { store throws(SQLiteError) in
            try store.transaction { () throws(SQLiteError) in try store.chain(of: frame) }
        } ?? nil
    }

    // MARK: surroundings

    /// Another epoch began: what was sent before may be named no more.
    public mutating func begin(_ epoch: Epoch, nextFrame: UInt64) {
        guard epoch != self.epoch else { return }
        self.epoch = epoch
        self.nextFrame = nextFrame
        open()
    }

    /// The firmware in use decodes streams of `compatible`, its own among them, as theirs did. All others go, now and whenever a file is
    /// opened.
    public mutating func keep(firmwares compatible: Set<UInt32>) {
        firmwares = compatible
        keepCompatible()
    }

    private mutating func keepCompatible() {
        guard let firmwares else { return }
        let isKept = attempt { store throws(SQLiteError) in try store.keep(firmwares: firmwares) }
        guard isKept == false else { return }
        closeStore()
        guard opening.remove() else {
            event = .unavailable(reason: "\(path) holds streams of other firmwares and cannot be removed")
            return
        }
        open()
    }

    /// Once a minute or so: opens anew where there is no memory.
    public mutating func maintain() {
        if store == nil { open() }
    }

    /// Goes by other limits from now on; what is beyond them goes.
    public mutating func configure(_ configuration: Configuration) {
        self.configuration = configuration
        store?.quota = configuration.quota
        store?.retention = configuration.retention
        makeRoom()
    }

    private mutating func makeRoom() {
        attempt { store throws(SQLiteError) in
            try store.transaction { () throws(SQLiteError) in _ = try store.makeRoom(for: 0) }
        }
    }
}
