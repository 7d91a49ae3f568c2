internal import PerigeeArchive
internal import PerigeeCore
internal import PerigeeMemory

/// Looks at each frame that is filed, and sees to it that what it was predicted from is here: what is missing is wanted once, then the frame
/// without references once. It belongs to the thread of wants. Source: Docs/memory.md section 2.
struct ReferenceDesk: ~Copyable {
    /// What one turn found.
    struct Findings {
        /// What is to be wanted now.
        var wants: [(key: EpochKey, subject: ArchiveWant.Subject)] = []
        /// Frames that another one stands in for.
        var replaced: Set<FrameName> = []
    }

    /// Frames looked at in one turn.
    private static let turnLimit = 500
    /// Wants of frames that wait and are not answered for good: what is more waits for its turn.
    static let wantLimit = 256

    private var predictions: PredictionReader
    private let table: WaitingTable
    private var waiting: [EpochKey: WaitingFrames] = [:]
    /// Frames that are not here as a whole, and those that wait for them.
    private var missing: [FrameName: Set<UInt64>] = [:]
    /// Waiting frames to be looked at again, in the order in which that was seen.
    private var queue: [FrameName] = []
    private var cursor: Int64
    /// Wants whose outcome was taken.
    private var answered: Set<UInt32> = []
    private var findings = Findings()
    private(set) var fetched = 0
    private(set) var replaced = 0
    /// Whether more is to be looked at soon.
    private(set) var hasMore = false

    /// Begins where the last process ended, with the frames that waited then.
    init(_ directory: String) throws(ArchiveError) {
        let predictions = try PredictionReader(directory)
        let table = try WaitingTable(directory)
        let cursor = try table.seen(in: predictions)
        let rows = try table.frames()
        self.predictions = predictions
        self.table = table
        self.cursor = cursor
        var frames: [EpochKey: [UInt64: WaitingFrames.Frame]] = [:]
        for row in rows {
            let key = EpochKey(station: row.station, epoch: row.epoch)
            frames[key, default: [:]][row.number] = WaitingFrames.Frame(row)
            queue.append(FrameName(key: key, number: row.number))
        }
        waiting = frames.mapValues { WaitingFrames($0) }
        queue.sort { $0.number < $1.number }
    }

    /// How many frames wait, and what became of others.
    var counts: ReferenceCounts {
        var counts = ReferenceCounts()
        (counts.fetched, counts.replaced) = (fetched, replaced)
        for (key, frames) in waiting {
            for frame in frames.frames.values { counts.add(frame, of: key.station) }
        }
        return counts
    }

    /// Takes what became of wants and what is new in the archive.
    mutating func turn(_ ledger: WantLedger) throws(ArchiveError) -> Findings {
        findings = Findings()
        var underWay: [ReferenceQuestion: ArchiveWant.State] = [:]
        for want in ledger.wants.values where want.isForReference {
            underWay[ReferenceQuestion(want)] = want.state
            try take(want)
        }
        answered.formIntersection(ledger.wants.keys)
        let found = try predictions.changed(after: cursor, limit: Self.turnLimit)
        for frame in found.frames { try look(frame) }
        var room = Self.wantLimit - ledger.wants.values.count { $0.reason != nil && !$0.state.isFinal }
        var done = 0
        while done < min(queue.count, Self.turnLimit), room > 0 {
            for subject in try evaluate(queue[done]) {
                let question = ReferenceQuestion(key: queue[done].key, subject: subject)
                if underWay[question] == nil || underWay[question] == .done {
                    findings.wants.append((question.key, subject))
                    underWay[question] = .open
                    room -= 1
                } else if underWay[question]?.isFinal == true {
                    try answer(question)  // for another frame: the station has it no more
                }
            }
            done += 1
        }
        queue.removeFirst(done)
        hasMore = found.cursor > cursor || !queue.isEmpty && room > 0
        if found.cursor > cursor {
            cursor = found.cursor
            try table.see(cursor, in: predictions)
        }
        return findings
    }

    // MARK: wants

    private mutating func take(_ want: ArchiveWant) throws(ArchiveError) {
        let question = ReferenceQuestion(want)
        if want.reason == .referenceDiffers, !want.state.isFinal, case .plain(let number) = want.subject,
            waiting[question.key]?.frames[number] == nil
        {
            // the renderer found it and asks itself
            try makeRoom(question.key)
            _ = waiting[question.key, default: WaitingFrames()].differ(number)
            try keep(FrameName(key: question.key, number: number))
        }
        if want.state.isFinal, answered.insert(want.id).inserted { try answer(question) }
    }

    private mutating func answer(_ question: ReferenceQuestion) throws(ArchiveError) {
        guard let want = WaitingFrames.Want(question.subject) else { return }
        for number in waiting[question.key]?.answer(want) ?? [] {
            let name = FrameName(key: question.key, number: number)
            try keep(name)
            enqueue(name)
        }
    }

    // MARK: frames

    private mutating func look(_ frame: FramePrediction) throws(ArchiveError) {
        let name = FrameName(key: EpochKey(station: frame.station, epoch: frame.epoch), number: frame.number)
        if let identity = frame.replaces?.identity(epoch: frame.epoch, number: frame.number) {
            let other = FrameName(
                key: EpochKey(station: frame.station, epoch: identity.epoch), number: identity.number)
            findings.replaced.insert(other)
            if waiting[other.key]?.frames[other.number] != nil { replaced += 1 }
            try settle(other)
        }
        for number in missing.removeValue(forKey: name) ?? [] { enqueue(FrameName(key: name.key, number: number)) }
        guard frame.references != nil, waiting[name.key]?.frames[name.number] == nil,
            case .waiting(let lacking) = try resolve(frame)
        else { return }
        note(name, lacking)
        try makeRoom(name.key)
        waiting[name.key, default: WaitingFrames()].hold(name.number)
        try keep(name)
        enqueue(name)
    }

    /// Looks at a frame that waits: it may be decodable now, or the next thing is to be asked for.
    private mutating func evaluate(_ name: FrameName) throws(ArchiveError) -> [ArchiveWant.Subject] {
        guard let entry = waiting[name.key]?.frames[name.number], entry.reason == .waitingForReference else {
            return []
        }
        let frame = try predictions.frame(station: name.key.station, epoch: name.key.epoch, number: name.number)
        guard let frame, case .waiting(let lacking) = try resolve(frame) else {
            if frame != nil, entry.hasAskedLayers { fetched += 1 }
            try settle(name)
            return []
        }
        note(name, lacking)
        let wants = waiting[name.key]?.wait(name.number, missing: lacking) ?? []
        try keep(name)
        return wants.map(ArchiveWant.Subject.init)
    }

    private mutating func resolve(_ frame: FramePrediction) throws(ArchiveError) -> ReferenceResolver.Resolution {
        guard let references = frame.namedFrames else { return .malformed }
        return try ReferenceResolver.resolve(frame.number, references: references) {
            (number: UInt64) throws(ArchiveError) -> FiledFrame? in
            let found = try predictions.frame(station: frame.station, epoch: frame.epoch, number: number)
            return found.map { FiledFrame(layers: $0.layers, references: $0.namedFrames ?? []) }
        }
    }

    private mutating func note(_ name: FrameName, _ lacking: [MemoryReference]) {
        for reference in lacking {
            missing[FrameName(key: name.key, number: reference.frame), default: []].insert(name.number)
        }
    }

    private mutating func enqueue(_ name: FrameName) { if !queue.contains(name) { queue.append(name) } }

    /// The oldest of too many frames is asked for no more.
    private mutating func makeRoom(_ key: EpochKey) throws(ArchiveError) {
        guard let frames = waiting[key]?.frames, frames.count >= WaitingFrames.limit, let oldest = frames.keys.min()
        else { return }
        try settle(FrameName(key: key, number: oldest))
    }

    private mutating func settle(_ name: FrameName) throws(ArchiveError) {
        guard waiting[name.key]?.frames[name.number] != nil else { return }
        waiting[name.key]?.settle(name.number)
        try table.remove(station: name.key.station, epoch: name.key.epoch, number: name.number)
        guard waiting[name.key]?.frames.isEmpty == true else { return }
        waiting[name.key] = nil
        missing = missing.filter { $0.key.key != name.key }
    }

    private func keep(_ name: FrameName) throws(ArchiveError) {
        guard let entry = waiting[name.key]?.frames[name.number] else { return }
        try table.write(WaitingFrame(name, entry))
    }
}
