public import PerigeeCore
internal import PerigeeSQLite

/// When what was done last; nothing durable.
struct Upkeep {
    /// Octets that the disk still gives to packets; nil while it gives more than the quota asks.
    var diskRoom: Int?
    /// Packets found damaged since the spool was opened.
    var damaged = 0
    var lastTime: Timestamp?
    var lastCheckpoint: Timestamp?
    var pagesAtCheckpoint = 0
}

extension Spool {
    /// Pages in the WAL that ask for a checkpoint, and seconds that do.
    static let checkpointPages = 1_000
    static let checkpointSeconds = 30
    /// The clock of ages advances by at most this at once, in milliseconds: a step of the computer's clock ages nothing.
    static let clockStep: Int64 = 10_000

    /// What is to be done besides: call it once a second or so, without an open transaction.
    public mutating func maintain(now: Timestamp) throws(SpoolError) {
        guard !isBroken else { throw .failedBefore(path: directory) }
        guard !isChanging else { return }
        if let last = upkeep.lastTime {
            let step = now.milliseconds.subtractingReportingOverflow(last.milliseconds)
            let advance = step.overflow ? 0 : min(max(step.partialValue, 0), Self.clockStep)
            memory.clock += advance
        }
        upkeep.lastTime = now
        try checkpointIfDue(now)
    }

    private mutating func checkpointIfDue(_ now: Timestamp) throws(SpoolError) {
        let pages = file.pagesWritten - upkeep.pagesAtCheckpoint
        let last = upkeep.lastCheckpoint ?? now
        if upkeep.lastCheckpoint == nil || now < last { upkeep.lastCheckpoint = now }
        let age = now.milliseconds - last.milliseconds
        guard pages >= Self.checkpointPages || pages > 0 && age >= Int64(Self.checkpointSeconds) * 1_000 else { return }
        try read { spool throws(SQLiteError) in try spool.file.checkpoint("PASSIVE") }
        upkeep.pagesAtCheckpoint = file.pagesWritten
        upkeep.lastCheckpoint = now
    }
}

extension SpoolFile {
    func checkpoint(_ mode: String) throws(SQLiteError) {
        try rows("PRAGMA wal_checkpoint(\(mode))") { _ throws(SQLiteError) in true }
    }
}

extension Spool {
    /// Makes room on a full disk.
    mutating func relieve() throws(SpoolError) {}

    /// The lowest number that a salvage may still bring.
    func salvageFloor(_ row: EpochRow) -> UInt64? { nil }
}
