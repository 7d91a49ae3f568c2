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
        try measureDisk()
        try salvageStep(budget: 4)
        for _ in 0..<4 {
            let moved = try moveStep()
            let purged = try moved ? true : purgeStep()
            if !purged { break }
        }
        try audit()
        try expireStep()
        try ageRings()
        try checkpointIfDue(now)
        if let disk = upkeep.disk, disk.free >= 2 * configuration.ballast, disk.free > disk.total / 20 {
            Ballast.build(directory, size: configuration.ballast)
        }
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
            upkeep.audit = try auditStep(epoch: index, after: max(cursor, keys.lowerBound)) ?? keys.upperBound
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

    private mutating func checkpointIfDue(_ now: Timestamp) throws(SpoolError) {
        let pages = file.pagesWritten - upkeep.pagesAtCheckpoint
        let last = upkeep.lastCheckpoint ?? now
        if upkeep.lastCheckpoint == nil || now < last { upkeep.lastCheckpoint = now }
        let age = now.milliseconds - last.milliseconds
        guard pages >= Self.checkpointPages || pages > 0 && age >= Int64(Self.checkpointSeconds) * 1_000 else { return }
        let isLong = SystemFiles.size(file.path + "-wal") > Self.walLimit
        do throws(SQLiteError) { try file.checkpoint(isLong ? "TRUNCATE" : "PASSIVE") } catch {
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
        upkeep.lastCheckpoint = now
    }
}

extension SpoolFile {
    func checkpoint(_ mode: String) throws(SQLiteError) {
        try rows("PRAGMA wal_checkpoint(\(mode))") { _ throws(SQLiteError) in true }
    }
}
