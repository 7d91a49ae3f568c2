public import PerigeeCore
internal import PerigeeSQLite

/// Keeps packets on disk until the gateway has acknowledged them: one file, one connection, one thread at a time.
/// Changes gather in one transaction until `commit`, which returns after one fdatasync; reads see what was committed. Memory does not
/// grow with the packets. Source: Docs/spool.md.
// The only reference to `file` is this value, and a noncopyable value is in one thread's hands at a time.
public struct Spool: ~Copyable, @unchecked Sendable {
    /// Rows that one step removes or moves at most.
    public static let stepLimit = 500

    /// Where the files are.
    public let directory: String
    public private(set) var configuration: SpoolConfiguration
    /// What opening had to do.
    public internal(set) var recovery: [RecoveryEvent]

    let file: SpoolFile
    let lock: SpoolLock
    /// With the open transaction.
    var memory: SpoolMemory
    /// As of the last commit.
    var committed: SpoolMemory
    /// A transaction is open.
    var isChanging = false
    /// What the open transaction was asked, to be done again where a full disk undid it.
    var operations: [SpoolOperation] = []
    /// The transaction was undone because the disk was full: `operations` wait to be done again.
    var mustReplay = false
    /// Nothing works any more until the spool is opened anew.
    var isBroken = false
    /// States as of the last commit, made when they are asked for.
    var states: [SpoolState]?
    var upkeep = Upkeep()
    /// What is still to be read of a file that was set aside.
    var salvage: Salvage?
    /// Frames that the spool gave up by itself, for `takeGivenUp`.
    var givenUp: [SettledFrame] = []

    /// Opens the spool in `directory`, or makes it. It opens whatever happened to its files, as long as the directory can be written and
    /// no other process holds it. `machine` is an id of the computer, so that a copied disk is noticed.
    public init(
        directory: String, configuration: SpoolConfiguration = SpoolConfiguration(), now: Timestamp, machine: String
    ) throws(SpoolError) {
        try configuration.check()
        let opened = try SpoolOpening(
            directory: directory, configuration: configuration, now: now, machine: machine
        ).open()
        self.directory = directory
        self.configuration = configuration
        recovery = opened.recovery
        file = opened.file
        lock = opened.lock
        memory = opened.memory
        committed = opened.memory
        salvage = opened.salvage
        if opened.isDoubtful { upkeep.audit = 0 }
        salvageForAWhile()
    }

    /// Goes by other limits from now on. What is beyond them goes with the next frames and the next upkeep; the ballast is made anew only
    /// at the next opening.
    public mutating func configure(_ limits: SpoolConfiguration) throws(SpoolError) {
        try limits.check()
        var limits = limits
        limits.ballast = configuration.ballast
        do throws(SQLiteError) {
            // a file that is larger already keeps its size as the limit
            try file.execute("PRAGMA max_page_count=\(limits.pageLimit)")
        } catch { throw .database(error) }
        configuration = limits
    }

    /// The epoch of new packets.
    public var epoch: Epoch { memory.epochs[memory.current].epoch }

    /// The number that the next frame of the epoch has.
    public var nextFrame: UInt64 { memory.epochs[memory.current].nextFrame }

    /// Frames since the spool began, the open transaction included.
    public var ledger: Ledger { memory.ledger }

    /// Octets of unsettled packets with what their rows need: what the quota bounds.
    public var charge: Int { memory.charge }

    /// Frames that the spool gave up without being asked since the last call: to make room, or because they were too old.
    public mutating func takeGivenUp() -> [SettledFrame] {
        defer { givenUp = [] }
        return givenUp
    }

    /// Stores a frame; its packets get the numbers answered, the declaration's first. Nil where there is no room for it even after
    /// all that its class may displace is gone. Nothing may be told of the numbers before `commit`.
    public mutating func append(_ frame: SpoolFrame) throws(SpoolError) -> Range<UInt64>? {
        guard try makesRoom(for: frame) else { return nil }
        var numbers: Range<UInt64>?
        try change(.append(frame)) { spool throws(SQLiteError) in numbers = try spool.insert(frame) }
        return numbers
    }

    /// Makes everything since the last commit durable, together with the totals of the intake and the marks of the sources that changed.
    public mutating func commit(intake: IntakeTotals, sources: [SourceMark] = []) throws(SpoolError) {
        guard !isBroken else { throw .failedBefore(path: directory) }
        // Nothing to sync.
        guard isChanging || mustReplay || !sources.isEmpty || intake != committed.ledger.intake else { return }
        try change(.commit(intake, sources)) { spool throws(SQLiteError) in
            try spool.write(intake: intake, sources: sources)
        }
        try commitChanges()
    }

    /// Makes everything since the last commit durable.
    public mutating func commit() throws(SpoolError) { try commit(intake: memory.ledger.intake) }
}
