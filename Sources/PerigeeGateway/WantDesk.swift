internal import PerigeeArchive
internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

/// The thread that takes wants from the archive's folder and makes those of frames that wait for references, hands the router what is due,
/// and writes down what becomes of them.
final class WantDesk: Sendable {
    /// What the router tells.
    enum Event: Sendable {
        case asked(UInt32)
        case answered(LinkMessage.Answer)
    }

    private struct Shared: Sendable {
        var events: [Event] = []
        var due: [ArchiveWant] = []
        var counts: [ArchiveWant.State: Int] = [:]
        var references: ReferenceCounts?
        var isDone = false
    }

    private let shared = Locked(Shared())
    private let wakeUp: WakeUp?
    private let thread: NamedThread?

    /// `changed` is called, on its thread, when something else is due.
    init(
        _ directory: String, log: ServiceLog, progress: LoopProgress, changed: @escaping @Sendable () -> Void
    ) {
        let shared = shared
        guard let wakeUp = try? WakeUp() else {
            wakeUp = nil
            thread = nil
            progress.end()
            return
        }
        self.wakeUp = wakeUp
        thread = NamedThread("wants") {
            defer { progress.end() }
            var work = WantWork(directory, log: log)
            while !shared.withLock({ $0.isDone }) {
                let events = shared.withLock { state in
                    defer { state.events = [] }
                    return state.events
                }
                progress.allow(seconds: Watchdog.slowSeconds) { work.turn(events) }
                let due = work.ledger.due(now: currentTime())
                let counts = work.ledger.counts
                let references = work.references
                let isNew = shared.withLock { state in
                    defer {
                        state.due = due
                        state.counts = counts
                        state.references = references
                    }
                    return state.due != due
                }
                if isNew { changed() }
                var poller = Poller()
                _ = poller.add(wakeUp)
                // a long archive that is looked at anew leaves others their share
                _ = try? poller.wait(timeoutMilliseconds: work.hasMore ? 100 : 1_000)
                wakeUp.clear()
            }
        }
    }

    /// What sessions may be asked for.
    var due: [ArchiveWant] { shared.withLock { $0.due } }

    var counts: [ArchiveWant.State: Int] { shared.withLock { $0.counts } }

    /// Frames that wait for others; nil before the archive was looked at.
    var references: ReferenceCounts? { shared.withLock { $0.references } }

    func note(_ event: Event) {
        shared.withLock { $0.events.append(event) }
        wakeUp?.signal()
    }

    func stop() {
        shared.withLock { $0.isDone = true }
        wakeUp?.signal()
        thread?.join()
    }
}

/// What the thread of wants holds.
private struct WantWork: ~Copyable {
    private(set) var ledger = WantLedger()
    private let directory: String
    private let log: ServiceLog
    private var folder: WantFolder?
    private var reader: ArchiveReader?
    private var desk: ReferenceDesk?
    /// As of the last turn of the desk.
    private(set) var references: ReferenceCounts?
    private(set) var hasMore = false
    private var frames: [UInt32: ArchivedFrame] = [:]
    private var unreadable: Set<UInt32> = []
    private var seen: Int64 = -1
    private var failure = ""

    init(_ directory: String, log: ServiceLog) {
        self.directory = directory
        self.log = log
    }

    /// One look at the folder, at what the router says, and at what came.
    mutating func turn(_ events: [WantDesk.Event]) {
        do throws(ArchiveError) {
            if folder == nil { folder = try WantFolder(directory) }
            if reader == nil { reader = try ArchiveReader.open(directory) }
            let hasNew = try refresh()
            for event in events { try take(event) }
            let last = try reader?.lastChange() ?? 0
            if hasNew || !events.isEmpty || last != seen {
                seen = last
                try look()
            }
            try seeToReferences()
            failure = ""
        } catch {
            // said once, not each second
            if failure != "\(error)" { log.write(.warning, "wants_failed", ["reason": "\(error)"]) }
            failure = "\(error)"
            reader = nil
            desk = nil
            hasMore = false
        }
    }

    /// Takes up files that are new, and drops those that were taken away or that nobody needs any more.
    private mutating func refresh() throws(ArchiveError) -> Bool {
        guard let folder else { return false }
        for identity in ledger.expired(now: currentTime().utc) { try folder.remove(identity) }
        let found = Set(try folder.identities())
        for identity in ledger.wants.keys where !found.contains(identity) {
            ledger.remove(identity)
            frames[identity] = nil
        }
        unreadable.formIntersection(found)
        var hasNew = false
        for identity in found where ledger.wants[identity] == nil && !unreadable.contains(identity) {
            do throws(ArchiveError) {
                ledger.add(try folder.want(identity))
                hasNew = true
            } catch {
                unreadable.insert(identity)
                log.write(.warning, "want_unreadable", ["reason": "\(error)"])
            }
        }
        return hasNew
    }

    private mutating func take(_ event: WantDesk.Event) throws(ArchiveError) {
        let now = currentTime()
        switch event {
        case .asked(let identity):
            let present = try presence(identity)?.count ?? 0
            try write(ledger.asked(identity, present: present, now: now.utc))
        case .answered(let answer): try write(ledger.answered(answer, now: now))
        }
    }

    /// Looks for what is here of each want.
    private mutating func look() throws(ArchiveError) {
        for (identity, want) in ledger.wants where !want.state.isFinal {
            guard let presence = try presence(identity) else { continue }
            try write(ledger.present(identity, presence, now: currentTime().utc))
        }
    }

    private mutating func presence(_ identity: UInt32) throws(ArchiveError) -> ArchiveReader.Presence? {
        guard let want = ledger.wants[identity] else { return nil }
        switch want.subject {
        case .frame(let number, _), .reference(let number, _):
            if frames[identity] == nil {
                frames[identity] = try reader?.frame(station: want.station, epoch: want.epoch, number: number)
            }
        case .numbers, .plain: break
        }
        return try reader?.presence(of: want, frame: frames[identity])
    }

    /// Looks for frames that cannot be decoded for want of others, and wants what they need.
    private mutating func seeToReferences() throws(ArchiveError) {
        for want in ledger.giveUp(now: currentTime().utc) { try write(want) }
        if desk == nil { desk = try ReferenceDesk(directory) }
        guard let findings = try desk?.turn(ledger) else { return }
        hasMore = desk?.hasMore ?? false
        references = desk?.counts
        let now = currentTime().utc
        if !findings.replaced.isEmpty {
            for (identity, want) in ledger.wants where findings.replaced.contains(where: want.isPlain) {
                try write(ledger.present(identity, .init(count: 0, isComplete: true), now: now))
            }
        }
        for question in findings.wants {
            var identity = UInt32.random(in: 1...UInt32.max)
            while ledger.wants[identity] != nil { identity = UInt32.random(in: 1...UInt32.max) }
            var want = ArchiveWant(
                id: identity, station: question.key.station, epoch: question.key.epoch, priority: 2,
                subject: question.subject, created: now)
            want.reason = .waitingForReference
            ledger.add(want)
            try write(want)
        }
    }

    private func write(_ want: ArchiveWant?) throws(ArchiveError) {
        guard let want else { return }
        try folder?.write(want)
        log.write(
            .info, "want",
            [
                "id": Hex.text(want.id), "station": want.station, "subject": want.text,
                "state": want.state.rawValue, "packets": "\(want.packets)",
            ])
    }
}

extension ArchiveWant {
    /// Whether it asks for this frame without references.
    fileprivate func isPlain(_ name: FrameName) -> Bool {
        subject == .plain(number: name.number) && station == name.key.station && epoch == name.key.epoch
    }
}
