public import PerigeeCore
internal import PerigeeSQLite

/// When what was done last; nothing durable.
struct Upkeep {
    /// What the disk gives; nil while nobody asked.
    var disk: DiskRoom?
    /// Packets found damaged since the spool was opened.
    var damaged = 0
    /// How often the disk was full since then.
    var timesFull = 0
    var lastTime: Timestamp?
    var lastCheckpoint: Timestamp?
    var pagesAtCheckpoint = 0
    /// Where a comparison of frames with their packets goes on; nil where none is due.
    var audit: Int64?
}

/// Counters of an open spool, for its status.
public struct SpoolCounters: Equatable, Sendable {
    /// Packets found damaged.
    public var damaged: Int
    /// How often the disk or the file was full.
    public var timesFull: Int
    /// Octets of the disk that are free; nil where nobody asked yet.
    public var free: Int?
    /// Octets of the rings: sent packets, finer layers, raw frames.
    public var sentRing: Int
    public var finerRing: Int
    public var rawRing: Int
    /// Octets in the quarantine.
    public var quarantine: Int
    /// A damaged file is still being read.
    public var isSalvaging: Bool
}

extension Spool {
    /// Pages in the WAL that ask for a checkpoint, and seconds that do.
    static let checkpointPages = 1_000
    static let checkpointSeconds = 30
    /// Octets of WAL from which on it is cut when nothing else is to do.
    static let walLimit = 16 << 20
    /// The clock of ages advances by at most this at once, in milliseconds: a step of the computer's clock ages nothing.
    static let clockStep: Int64 = 10_000

    /// See `SpoolCounters`.
    public var counters: SpoolCounters {
        SpoolCounters(
            damaged: upkeep.damaged, timesFull: upkeep.timesFull, free: upkeep.disk?.free,
            sentRing: memory.total(Slot.sent), finerRing: memory.total(Slot.finer), rawRing: memory.total(Slot.raw),
            quarantine: memory.quarantine, isSalvaging: salvage != nil)
    }

    /// What is to be done besides, in small steps: checkpoints, ages, rings, the ballast, what a fork or a salvage left. Call it once a
    /// second or so, with no transaction open: else it does nothing.
    public mutating func maintain(now: Timestamp) throws(SpoolError) {
        guard !isBroken else { throw .failedBefore(path: directory) }
        guard !isChanging, !mustReplay else { return }
        advanceClock(to: now)
        do throws(SpoolError) { try maintainInSteps(now) } catch {
            // The rest is done when there is room.
            guard case .full = error else { throw error }
            upkeep.timesFull += 1
            Ballast.remove(directory)
        }
    }

    private mutating func maintainInSteps(_ now: Timestamp) throws(SpoolError) {
        try measureDisk()
        try salvage(for: .milliseconds(300))
        for _ in 0..<4 {
            let moved = try moveStep()
            let purged = try moved ? true : purgeStep()
            if !purged { break }
        }
        try audit()
        try expireStep()
        try ageRings()
        try checkpointIfDue(now)
        // Last, since it makes what a full disk needs most.
        try restoreBallast()
    }

    /// After a damaged packet was found: looks for the frames that miss it.
    private mutating func audit() throws(SpoolError) {
        for _ in 0..<20 {
            guard let cursor = upkeep.audit else { return }
            guard let index = memory.epochs.firstIndex(where: { RowKey.all($0.id).upperBound > cursor }) else {
                upkeep.audit = nil
                return
            }
            let keys = RowKey.all(memory.epochs[index].id)
            upkeep.audit = try auditStep(epoch: index, after: max(cursor, keys.lowerBound - 1)) ?? keys.upperBound
        }
    }

    private mutating func advanceClock(to now: Timestamp) {
        if let last = upkeep.lastTime {
            let step = now.milliseconds.subtractingReportingOverflow(last.milliseconds)
            memory.clock += step.overflow ? 0 : min(max(step.partialValue, 0), Self.clockStep)
        }
        upkeep.lastTime = now
    }

    private mutating func expireStep() throws(SpoolError) {
        guard let seconds = configuration.expiry else { return }
        let age = memory.clock - Int64(seconds) * 1_000
        guard age > 0 else { return }
        for _ in 0..<4 {
            var settlement = Settlement()
            try directly { spool throws(SQLiteError) in settlement = try spool.drop(.expired(age: age)) }
            givenUp += settlement.frames
            if settlement.isComplete { return }
        }
    }

    /// Pages that the log may have at most: the file must be able to take them on a full disk, out of the ballast's room.
    var logLimit: Int { min(4_000, max(256, configuration.ballast / 2 / Schema.pageSize)) }

    /// Takes the log into the file where nobody called `maintain` in time.
    mutating func boundLog() throws(SpoolError) {
        guard file.pagesWritten - upkeep.pagesAtCheckpoint >= logLimit else { return }
        try checkpoint("PASSIVE")
    }

    private mutating func checkpointIfDue(_ now: Timestamp) throws(SpoolError) {
        let pages = file.pagesWritten - upkeep.pagesAtCheckpoint
        let last = upkeep.lastCheckpoint ?? now
        if upkeep.lastCheckpoint == nil || now < last { upkeep.lastCheckpoint = now }
        let age = now.milliseconds - last.milliseconds
        guard pages >= Self.checkpointPages || pages > 0 && age >= Int64(Self.checkpointSeconds) * 1_000 else { return }
        let isLong = SystemFiles.size(file.path + "-wal") > Self.walLimit
        try checkpoint(isLong ? "TRUNCATE" : "PASSIVE")
        upkeep.lastCheckpoint = now
        try trimSources()
    }

    private mutating func checkpoint(_ mode: String) throws(SpoolError) {
        do throws(SQLiteError) { try file.checkpoint(mode) } catch {
            switch error.kind {
            // The next commit finds out, and makes room.
            case .full: return
            case .damaged:
                isBroken = true
                DamageMark.write(directory, reason: "\(error)")
                throw .damaged(error)
            case .io, .other:
                isBroken = true
                throw .database(error)
            }
        }
        upkeep.pagesAtCheckpoint = file.pagesWritten
    }

    /// Runs of sources that are remembered.
    private static var sourceLimit: Int { 4_096 }

    /// The marks longest unheard of go.
    private mutating func trimSources() throws(SpoolError) {
        var count: Int64 = 0
        try read { spool throws(SQLiteError) in count = try spool.file.integer("SELECT count(*) FROM sources") ?? 0 }
        guard count > Self.sourceLimit else { return }
        try directly { spool throws(SQLiteError) in
            try spool.file.run(
                "DELETE FROM sources WHERE rowid IN (SELECT rowid FROM sources ORDER BY age, rowid LIMIT ?)",
                [.integer(count - Int64(Self.sourceLimit))])
        }
    }
}

extension SpoolFile {
    func checkpoint(_ mode: String) throws(SQLiteError) {
        try rows("PRAGMA wal_checkpoint(\(mode))") { _ throws(SQLiteError) in true }
    }
}
