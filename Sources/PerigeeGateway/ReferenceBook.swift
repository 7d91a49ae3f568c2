package import PerigeeArchive
internal import PerigeeCore
package import PerigeeMemory

/// Frames that wait for what they were predicted from, and what is to be wanted for them: the missing layers once, then the frame without
/// references once. A value without files and clock: `find` is asked for frames of the archive. Source: Docs/memory.md section 2.
package struct ReferenceBook: Sendable {
    /// What one turn found.
    package struct Findings: Sendable {
        /// What is to be wanted now.
        package var wants: [ReferenceQuestion] = []
        /// Frames that another one stands in for.
        package var replaced: Set<FrameName> = []
        /// What changed of frames that wait; nil of one that does so no more.
        package var changes: [FrameName: WaitingFrames.Frame?] = [:]
    }

    /// Looks a frame up: nil where its part 0 is not here.
    package typealias Finder<Failure: Error> = (FrameName) throws(Failure) -> FramePrediction?

    /// Frames looked at again in one turn.
    private static let turnLimit = 500
    /// Wants of frames that wait and are not answered for good: what is more waits for its turn.
    static let wantLimit = 256
    /// Wants of all kinds: the rest of the folder is for operators.
    private static let folderLimit = WantFolder.fileLimit * 3 / 4

    private var waiting: [EpochKey: WaitingFrames] = [:]
    /// Frames that are not here as a whole, and those that wait for them.
    private var missing: [FrameName: Set<UInt64>] = [:]
    /// Waiting frames to be looked at again, in the order in which that was seen.
    private var queue: [FrameName] = []
    /// Wants whose outcome was taken.
    private var answered: Set<UInt32> = []
    /// Frames that another one stands in for: packets of them may still come.
    private var settled: Set<FrameName>
    private var findings = Findings()
    package private(set) var fetched = 0
    package private(set) var replaced = 0
    /// Whether frames wait to be looked at again that may be.
    private(set) var hasMore = false

    /// Begins with the frames that waited before, and those that others stood in for.
    package init(_ frames: [FrameName: WaitingFrames.Frame] = [:], replaced: Set<FrameName> = []) {
        settled = replaced
        var byEpoch: [EpochKey: [UInt64: WaitingFrames.Frame]] = [:]
        for (name, frame) in frames { byEpoch[name.key, default: [:]][name.number] = frame }
        waiting = byEpoch.mapValues { WaitingFrames($0) }
        queue = frames.keys.sorted { $0.number < $1.number }
    }

    /// Frames that wait.
    package var frames: [FrameName: WaitingFrames.Frame] {
        var all: [FrameName: WaitingFrames.Frame] = [:]
        for (key, frames) in waiting {
            for (number, frame) in frames.frames { all[FrameName(key: key, number: number)] = frame }
        }
        return all
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

    /// Takes what became of wants, and frames of which something was filed.
    package mutating func turn<Failure: Error>(
        _ ledger: WantLedger, filed: [FramePrediction], find: Finder<Failure>
    ) throws(Failure) -> Findings {
        findings = Findings()
        var underWay: [ReferenceQuestion: ArchiveWant.State] = [:]
        // the same may have been asked before: what is under way counts, else the last word
        for want in ledger.wants.values.sorted(by: { $0.freshness < $1.freshness }) where want.isForReference {
            underWay[ReferenceQuestion(want)] = want.state
            take(want)
        }
        answered.formIntersection(ledger.wants.keys)
        // those of which the file was taken away
        for question in open where underWay[question]?.isFinal != false { answer(question) }
        for frame in filed { try look(frame, find) }
        var room = min(
            Self.wantLimit - ledger.wants.values.count { $0.reason != nil && !$0.state.isFinal },
            Self.folderLimit - ledger.wants.count)
        var done = 0
        while !queue.isEmpty, done < Self.turnLimit, room > 0 {
            let name = queue.removeFirst()
            for subject in try evaluate(name, find) {
                let question = ReferenceQuestion(key: name.key, subject: subject)
                if underWay[question] == nil || underWay[question] == .done {
                    findings.wants.append(question)
                    underWay[question] = .open
                    room -= 1
                } else if underWay[question]?.isFinal == true {
                    answer(question)  // for another frame: the station has it no more
                }
            }
            done += 1
        }
        hasMore = !queue.isEmpty && room > 0
        return findings
    }

    // MARK: wants

    /// What frames wait for.
    private var open: Set<ReferenceQuestion> {
        var open: Set<ReferenceQuestion> = []
        for (key, frames) in waiting {
            for want in frames.frames.values.flatMap(\.open) {
                open.insert(ReferenceQuestion(key: key, subject: ArchiveWant.Subject(want)))
            }
        }
        return open
    }

    private mutating func take(_ want: ArchiveWant) {
        let question = ReferenceQuestion(want)
        if want.reason == .referenceDiffers, !want.state.isFinal, case .plain(let number) = want.subject,
            waiting[question.key]?.frames[number] == nil
        {
            // the renderer found it and asks itself
            makeRoom(question.key)
            _ = waiting[question.key, default: WaitingFrames()].differ(number)
            keep(FrameName(key: question.key, number: number))
        }
        if want.state.isFinal, answered.insert(want.id).inserted { answer(question) }
    }

    private mutating func answer(_ question: ReferenceQuestion) {
        guard let want = WaitingFrames.Want(question.subject) else { return }
        for number in waiting[question.key]?.answer(want) ?? [] {
            let name = FrameName(key: question.key, number: number)
            keep(name)
            enqueue(name)
        }
    }

    // MARK: frames

    private mutating func look<Failure: Error>(
        _ frame: FramePrediction, _ find: Finder<Failure>
    ) throws(Failure) {
        let name = FrameName(key: EpochKey(station: frame.station, epoch: frame.epoch), number: frame.number)
        if let identity = frame.replaces?.identity(epoch: frame.epoch, number: frame.number) {
            let other = FrameName(
                key: EpochKey(station: frame.station, epoch: identity.epoch), number: identity.number)
            findings.replaced.insert(other)
            settled.insert(other)
            if waiting[other.key]?.frames[other.number] != nil { replaced += 1 }
            settle(other)
        }
        for number in missing.removeValue(forKey: name)?.sorted() ?? [] {
            enqueue(FrameName(key: name.key, number: number))
        }
        guard frame.references != nil, !settled.contains(name), waiting[name.key]?.frames[name.number] == nil,
            case .waiting(let lacking) = try resolve(frame, find)
        else { return }
        note(name, lacking)
        makeRoom(name.key)
        waiting[name.key, default: WaitingFrames()].hold(name.number)
        keep(name)
        enqueue(name)
    }

    /// Looks at a frame that waits: it may be decodable now, or the next thing is to be asked for.
    private mutating func evaluate<Failure: Error>(
        _ name: FrameName, _ find: Finder<Failure>
    ) throws(Failure) -> [ArchiveWant.Subject] {
        guard let entry = waiting[name.key]?.frames[name.number], entry.reason == .waitingForReference else {
            return []
        }
        let frame = try find(name)
        guard let frame, case .waiting(let lacking) = try resolve(frame, find) else {
            if frame != nil, entry.hasAskedLayers { fetched += 1 }
            settle(name)
            return []
        }
        note(name, lacking)
        let wants = waiting[name.key]?.wait(name.number, missing: lacking) ?? []
        keep(name)
        return wants.map(ArchiveWant.Subject.init)
    }

    private func resolve<Failure: Error>(
        _ frame: FramePrediction, _ find: Finder<Failure>
    ) throws(Failure) -> ReferenceResolver.Resolution {
        guard let references = frame.namedFrames else { return .malformed }
        let key = EpochKey(station: frame.station, epoch: frame.epoch)
        return try ReferenceResolver.resolve(frame.number, references: references) {
            (number: UInt64) throws(Failure) -> FiledFrame? in
            let found = try find(FrameName(key: key, number: number))
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
    private mutating func makeRoom(_ key: EpochKey) {
        guard let frames = waiting[key]?.frames, frames.count >= WaitingFrames.limit, let oldest = frames.keys.min()
        else { return }
        settle(FrameName(key: key, number: oldest))
    }

    private mutating func settle(_ name: FrameName) {
        guard waiting[name.key]?.frames[name.number] != nil else { return }
        waiting[name.key]?.settle(name.number)
        findings.changes[name] = .some(nil)
        guard waiting[name.key]?.frames.isEmpty == true else { return }
        waiting[name.key] = nil
        missing = missing.filter { $0.key.key != name.key }
    }

    private mutating func keep(_ name: FrameName) {
        if let entry = waiting[name.key]?.frames[name.number] { findings.changes[name] = entry }
    }
}
