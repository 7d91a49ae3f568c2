import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeMemory
import PerigeeMetrics
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// What the spool's thread is asked.
enum SpoolJob: Sendable {
    case frame(UplinkItem)
    case request(StoreRequest)
    /// A lane made packets of layers that were wanted, by layer; nil where it could not.
    case refined(RefineJob, [[[UInt8]]]?)
    /// A lane encoded a frame once more, without references; nil where it could not.
    case plain(PlainJob, UplinkItem?)
    /// What memory has of a frame whose first layers are wanted; nil where it has none.
    case recalled(LinkMessage.Want, Epoch, frame: UInt64, layers: Int, RememberedFrame?)
    /// Go by other limits from now on.
    case configure(SpoolConfiguration)
    /// Commit what waits now, then say so.
    case flush(done: @Sendable () -> Void)
}

/// The one thread that owns the spool: it gathers frames, commits them together, and serves the link what it may send.
///
/// Nothing is shown to anyone before its commit. A failure that only opening anew mends ends the thread; the process must then end
/// too, and start again.
final class SpoolThread: PacketStore, @unchecked Sendable {  // all `var`s belong to the one thread that calls `run`
    /// A commit is made at so many packets, octets or milliseconds, whichever comes first.
    static let packetLimit = 64
    static let sizeLimit = 64 << 10
    static let windowMilliseconds: Int64 = 250
    /// How often the spool looks after itself.
    private static let maintenanceMilliseconds: Int64 = 1_000
    /// What an idle link carries is made durable so often.
    private static let idleCommitMilliseconds: Int64 = 60_000

    var spool: Spool?
    let context: StationContext
    private let progress: LoopProgress
    private(set) var deliver: @Sendable (SenderMachine.Event) -> Void = { _ in }
    private var wire: @Sendable () -> (sent: Int, received: Int) = { (0, 0) }
    /// Octets of the link as of the last commit, and its time.
    private var committedWire = 0
    private var lastCommit = Int64.min
    /// Declarations that the spool has.
    private var declared: Set<Int>
    var group = CommitGroup()
    /// The epoch that the link serves now, and what it was told of it last.
    private var served: SpoolState?
    private var nextMaintenance: Int64 = 0
    /// How many damaged packets the log has told of.
    private var toldDamaged = 0
    /// What the link asked for and could not be done yet: in order, none of it does harm twice.
    var deferred: [StoreRequest] = []
    private static let deferredLimit = 256
    /// An epoch that must be left, once that is permitted.
    var postponedFork: Epoch?
    var forks = ForkThrottle()
    /// A lane makes layers of a raw frame: one at a time, since frames go before.
    var isRefining = false
    /// Frames that are wanted plain, and wait for a lane.
    var plainWants: [(want: LinkMessage.Want, frame: UInt64, epoch: Epoch)] = []
    /// Layers on their way that somebody wanted later.
    var refinements: [Refinement] = []
    static let refinementLimit = 256
    /// What an operator gives up.
    var discarding: DiscardWork?

    init(_ spool: consuming Spool, declared: Set<Int>, context: StationContext) {
        self.declared = declared
        self.spool = consume spool
        self.context = context
        progress = context.watchdog.loop("spool")
    }

    /// From the link's thread.
    func request(_ request: StoreRequest) {
        // the queue is full of frames at the worst, and those are taken without the link's help
        _ = context.spoolQueue.append(.request(request), size: 0)
    }

    /// Works until the queue is closed and empty. `deliver` is the link's ear, `wire` says what its connections carried.
    func run(
        deliver: @escaping @Sendable (SenderMachine.Event) -> Void,
        wire: @escaping @Sendable () -> (sent: Int, received: Int)
    ) {
        self.deliver = deliver
        self.wire = wire
        defer { progress.end() }
        do throws(SpoolError) {
            // from now on the end is an unclean one, unless the last commit says otherwise
            group.touch(currentTime().monotonic)
            forgetDiscards()
            try onDisk { () throws(SpoolError) in
                try commit()
                try tellState()
            }
            while try step() {}
            try onDisk { () throws(SpoolError) in try commit(isLast: true) }
        } catch {
            context.spoolStatus.withLock { $0.failure = error }
            context.log.write(.error, "spool_failed", ["detail": "\(error)"])
            context.spoolQueue.close()
            giveUpRest()
        }
        spool = nil
        context.isSpoolClosed.withLock { $0 = true }
    }

    /// One job, and the commit if it is due; false when there will be no more.
    private func step() throws(SpoolError) -> Bool {
        progress.note()
        let now = currentTime().monotonic
        let due = min(group.deadline ?? .max, nextMaintenance)
        let job = context.spoolQueue.take(timeoutMilliseconds: Int(clamping: max(due - now, 0)))
        if job == nil, context.isSpoolClosing.current { return false }
        let started = currentTime().monotonic
        context.spoolStatus.withLock { $0.busySince = started }
        defer { context.spoolStatus.withLock { $0.busySince = nil } }
        do throws(SpoolError) { try onDisk { () throws(SpoolError) in try work(job) } } catch {
            guard case .full = error else { throw error }
            waitForRoom(error)
            if case .request(let request)? = job, deferred.count < Self.deferredLimit { deferred.append(request) }
        }
        return true
    }

    /// A slow sync is no hang.
    private func onDisk(_ body: () throws(SpoolError) -> Void) throws(SpoolError) {
        try progress.allow(seconds: Watchdog.slowSeconds, body)
    }

    private func work(_ job: SpoolJob?) throws(SpoolError) {
        if let job { try take(job) }
        let time = currentTime()
        if group.isDue(time.monotonic) { try commit() }
        guard time.monotonic >= nextMaintenance else { return }
        nextMaintenance = time.monotonic + Self.maintenanceMilliseconds
        try maintain(time.utc)
        if let epoch = postponedFork { try fork(epoch) }
        try beginPlain()
        let waiting = deferred
        deferred = []
        for (index, request) in waiting.enumerated() {
            do throws(SpoolError) { try serve(request) } catch {
                deferred += waiting[index...]
                throw error
            }
        }
    }

    /// The disk is full: what was committed is still sent, and what waits for its commit waits on.
    private func waitForRoom(_ error: SpoolError) {
        let now = currentTime().monotonic
        group.postpone(until: now + Self.maintenanceMilliseconds)
        context.spoolStatus.withLock { status in
            status.isFull = true
            status.fullErrors += 1
        }
        context.log.write(.error, "spool_full", key: "once", ["detail": "\(error)"])
    }

    private func take(_ job: SpoolJob) throws(SpoolError) {
        switch job {
        case .frame(let item): _ = try append(item)
        case .request(let request): try serve(request)
        case .refined(let job, let packets): try finish(job, packets)
        case .plain(let job, let item): try finish(job, item)
        case .recalled(let want, let epoch, let frame, let layers, let remembered):
            try take(remembered, for: want, frame, layers: layers, of: epoch)
        case .configure(let limits):
            try spool?.configure(limits)
            context.spoolStatus.withLock { $0.quota = limits.quota }
        case .flush(let done):
            try commit()
            done()
        }
    }

    /// The numbers of its packets; nil where there is no room for them.
    func append(_ item: UplinkItem) throws(SpoolError) -> Range<UInt64>? {
        let time = currentTime()
        let number = item.assignment.number
        let frame = item.spoolFrame(isDeclared: declared.contains(number), stored: time.utc)
        var numbers: Range<UInt64>?
        do throws(SpoolError) { numbers = try spool?.append(frame) } catch {
            guard case .full = error else { throw error }
            waitForRoom(error)
        }
        guard let numbers else {
            context.fail(
                .spoolFull,
                detail: "raise [spool] quota_bytes, or send less: nothing of its class or below may be dropped",
                ticket: item.ticket)
            return nil
        }
        declared.insert(number)
        let size = frame.layers.joined().reduce(frame.declaration?.packet.count ?? 0) { $0 + $1.count }
        group.add(item, packets: numbers.count, size: size, now: time.monotonic)
        return numbers
    }

    /// Makes durable what waits, then tells everyone.
    func commit(isLast: Bool = false) throws(SpoolError) {
        guard !group.isEmpty || isLast else { return }
        let started = currentTime().monotonic
        let tickets = group.frames.map(\.item.ticket)
        let wire = wire()
        let (totals, marks) = context.counters.withLock { [group] counters in
            (
                counters.totals(committing: group, wire: wire, isLast: isLast),
                counters.sequences.takeChangedMarks(
                    deciding: tickets.map { (sensor: $0.sensor, run: $0.run, sequence: $0.sequence) })
            )
        }
        try spool?.commit(intake: totals, sources: marks.map(SourceMark.init))
        let frames = group.frames
        let settled = group.settled + (spool?.takeGivenUp() ?? [])
        group = CommitGroup()
        let ledger = spool?.ledger
        let ended = currentTime()
        committedWire = wire.sent + wire.received
        lastCommit = started
        context.counters.withLock { counters in
            if let ledger { counters.take(ledger, newlySpooled: frames.count) }
            counters.commitSeconds.add(Double(ended.monotonic - started) / 1_000)
            for (item, size) in frames { counters.addSpooled(item, packetSize: size) }
            for frame in settled { counters.addSettled(frame, now: ended.utc) }
        }
        for (item, size) in frames {
            context.journal.addStored(item, packetSize: size)
            context.log.write(stored: item, packetSize: size)
        }
        for frame in settled {
            context.journal.addSettled(frame, now: ended.utc)
            context.log.write(settled: frame, now: ended.utc)
        }
        context.history.settle(settled)
        for ticket in tickets { context.answer(.stored, ticket) }
        note(commitMilliseconds: ended.monotonic - started)
        try tellState()
    }

    private func note(commitMilliseconds: Int64) {
        let epoch = spool?.epoch
        let used = spool?.charge ?? 0
        context.spoolStatus.withLock { status in
            status.isFull = false
            status.commits += 1
            status.used = used
            status.lastCommitMilliseconds = commitMilliseconds
            if let epoch { status.epoch = epoch }
        }
    }

    /// The link serves the oldest epoch that holds anything; a closed one is finished by its request.
    func tellState() throws(SpoolError) {
        guard let epoch = try spool?.epochs().first, let state = try spool?.state(epoch) else { return }
        guard state != served else { return }
        served = state
        context.spoolStatus.withLock { $0.served = state }
        deliver(.store(StoreState(state)))
    }

    /// Between commits: the spool does nothing for itself while a transaction is open.
    private func maintain(_ now: Timestamp) throws(SpoolError) {
        let time = currentTime().monotonic
        let (sent, received) = wire()
        if sent + received != committedWire, time >= lastCommit + Self.idleCommitMilliseconds { group.touch(time) }
        try commit()
        try discardWhatIsAsked()
        try spool?.maintain(now: now)
        group.add(settled: spool?.takeGivenUp() ?? [], now: currentTime().monotonic)
        tellDamage()
        try tellState()
    }

    private func tellDamage() {
        let damaged = spool?.counters.damaged ?? 0
        guard damaged > toldDamaged else { return }
        context.log.write(
            .error, "spool_damaged",
            ["packets": "\(damaged - toldDamaged)", "remedy": "check the disk; see the quarantine"])
        toldDamaged = damaged
    }

    /// What can no longer be made durable: its sources are told.
    private func giveUpRest() {
        for (item, _) in group.frames {
            context.fail(.stopped, detail: "the spool failed", ticket: item.ticket)
        }
        while let job = context.spoolQueue.take() {
            switch job {
            case .frame(let item), .plain(_, let item?):
                context.fail(.stopped, detail: "the spool failed", ticket: item.ticket)
            default: break
            }
        }
    }
}
