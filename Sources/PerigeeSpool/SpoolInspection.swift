public import PerigeeCore
internal import PerigeeSQLite

/// A look into a spool that no process holds. Changes nothing: the log is read, not taken into the file.
public struct SpoolInspection: ~Copyable {
    /// One epoch.
    public struct EpochSummary: Equatable, Sendable {
        public var epoch: Epoch
        public var isClosed: Bool
        public var isLost: Bool
        public var next: UInt64
        public var packets: Int
        public var size: Int
        public var frames: Int
    }

    /// A frame that waits.
    public struct WaitingFrame: Equatable, Sendable {
        public var epoch: Epoch
        public var number: UInt64
        public var label: String
        public var priority: Int
        public var stored: Timestamp
        /// Packets that are not settled, of `count`.
        public var waiting: Int
        public var count: Int
        public var size: Int
    }

    /// A packet in quarantine.
    public struct QuarantinedPacket: Equatable, Sendable {
        public var epoch: Epoch
        public var number: UInt64
        public var label: String?
        public var reason: String
        public var packet: [UInt8]
    }

    private let directory: String
    let file: SpoolFile
    private let lock: SpoolLock
    let memory: SpoolMemory

    /// Opens the spool in `directory`; one that a process holds is refused.
    public init(_ directory: String) throws(SpoolError) {
        let path = "\(directory)/\(SpoolOpening.databaseName)"
        guard SystemFiles.exists(path) else {
            throw .file(operation: "open", path: path, reason: "there is no spool")
        }
        let lock = try SpoolLock(directory)
        let opened: (SpoolFile, SpoolMemory)
        do throws(SQLiteError) {
            let database = try Database(plain: path, access: .write)
            database.keepWALOnClose()
            let file = SpoolFile(database)
            try file.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA wal_autocheckpoint=0; PRAGMA trusted_schema=OFF;")
            opened = (file, try file.memory())
        } catch {
            throw error.kind == .damaged ? .damaged(error) : .database(error)
        }
        (file, memory) = opened
        self.lock = lock
        self.directory = directory
    }

    public var ledger: Ledger { memory.ledger }

    /// Octets in the quarantine, and of file and log.
    public var quarantineSize: Int { memory.quarantine }
    public var fileSize: Int {
        SystemFiles.size(file.path) + SystemFiles.size(file.path + "-wal")
    }

    /// Octets of the rings: sent packets, finer layers, raw frames.
    public var ringSizes: (sent: Int, finer: Int, raw: Int) {
        (memory.total(Slot.sent), memory.total(Slot.finer), memory.total(Slot.raw))
    }

    /// Folders of damaged files that were set aside, oldest first.
    public var setAside: [String] { SystemFiles.names(SetAside.folder(directory)) }

    /// Epochs with something to send, oldest first.
    public var epochs: [EpochSummary] {
        memory.epochs.filter { $0.kind != .finished }.map { row in
            EpochSummary(
                epoch: row.epoch, isClosed: row.kind != .current, isLost: row.kind == .lost, next: row.next,
                packets: row.held.count, size: row.held.size, frames: row.totals[Slot.frames]?.count ?? 0)
        }
    }

    /// The oldest frames that wait.
    public func frames(limit: Int) throws(SpoolError) -> [WaitingFrame] {
        var found: [WaitingFrame] = []
        try read { () throws(SQLiteError) in
            try file.rows(
                "SELECT * FROM frames WHERE settled = 0 ORDER BY id LIMIT ?", [.integer(Int64(limit))]
            ) { row throws(SQLiteError) in
                let frame = FrameRow(row)
                guard let epoch = memory.epochs.first(where: { $0.id == RowKey.epoch(frame.id) }) else { return true }
                found.append(
                    WaitingFrame(
                        epoch: epoch.epoch, number: frame.number, label: frame.label, priority: frame.priority,
                        stored: frame.stored, waiting: frame.waiting, count: frame.count, size: frame.packetSize))
                return true
            }
        }
        return found
    }

    /// Unsettled tombstones, lowest numbers first.
    public func tombstones(limit: Int) throws(SpoolError) -> [(epoch: Epoch, tombstone: Tombstone)] {
        var found: [(epoch: Epoch, tombstone: Tombstone)] = []
        try read { () throws(SQLiteError) in
            for row in memory.epochs where row.kind != .finished {
                found += try file.tombstones(RowKey.all(row.id), limit: limit - found.count).map { (row.epoch, $0) }
            }
        }
        return found
    }

    /// The oldest packets in quarantine.
    public func quarantine(limit: Int) throws(SpoolError) -> [QuarantinedPacket] {
        var found: [QuarantinedPacket] = []
        try read { () throws(SQLiteError) in
            try file.rows(
                "SELECT epoch, number, label, reason, packet FROM quarantine ORDER BY id LIMIT ?",
                [.integer(Int64(limit))]
            ) { row throws(SQLiteError) in
                guard let epoch = try? Epoch(bytes: row.blob(0)) else { return true }
                found.append(
                    QuarantinedPacket(
                        epoch: epoch, number: UInt64(clamping: row.integer(1)), label: row.text(2),
                        reason: row.text(3) ?? "", packet: row.blob(4)))
                return true
            }
        }
        return found
    }

    func read(_ body: () throws(SQLiteError) -> Void) throws(SpoolError) {
        do throws(SQLiteError) { try body() } catch {
            throw error.kind == .damaged ? .damaged(error) : .database(error)
        }
    }
}
