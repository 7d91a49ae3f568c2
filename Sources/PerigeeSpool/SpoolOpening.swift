internal import PerigeeCore
internal import PerigeeSQLite

/// Opens a spool: every way leads to one that works, as long as the directory can be written.
struct SpoolOpening {
    struct Opened {
        var file: SpoolFile
        var lock: SpoolLock
        var memory: SpoolMemory
        var recovery: [RecoveryEvent]
        var salvage: Salvage?
        /// Rows may be missing or old: frames must be compared with their packets.
        var isDoubtful: Bool
    }

    let directory: String
    let configuration: SpoolConfiguration
    let now: Timestamp
    let machine: String

    static let databaseName = "spool.db"

    private var path: String { "\(directory)/\(Self.databaseName)" }

    func open() throws(SpoolError) -> Opened {
        try SystemFiles.makeDirectory(directory)
        let lock = try SpoolLock(directory)
        var recovery: [RecoveryEvent] = []
        try SetAside.finishMove(directory)
        if let reason = DamageMark.read(directory) {
            try setAside(reason, &recovery)
        }
        let mended = try WriteAheadLog.mend(path) { () throws(SpoolError) in
            try SetAside.make(directory, now: now, keep: configuration.setAsideFiles)
        }
        if let mended, mended.frames > 0 { recovery.append(.mendedLog(frames: mended.frames)) }
        if let mended, mended.forgotten > 0 { recovery.append(.cutLog(frames: mended.forgotten)) }
        // What cannot be opened or read is moved away; a fresh file can be.
        for attempt in 0..<3 {
            let isFresh = !SystemFiles.exists(path)
            do throws(SQLiteError) {
                let file = try connect(isFresh: isFresh)
                try checkVersion(file, isFresh: isFresh)
                var memory = isFresh ? SpoolMemory() : try file.memory()
                if !isFresh { try probe(file, memory) }
                let salvage = try adopt(file, &memory)
                try identify(file, &memory, isFresh: isFresh, &recovery)
                return Opened(
                    file: file, lock: lock, memory: memory, recovery: recovery, salvage: salvage,
                    isDoubtful: mended.map { !$0.isComplete } ?? false)
            } catch {
                // A read that fails once may not fail again.
                if attempt == 0, error.isReadFailure { continue }
                try handle(error, isFresh: isFresh, &recovery)
            }
        }
        throw .failedBefore(path: directory)
    }

    private func handle(_ error: SQLiteError, isFresh: Bool, _ recovery: inout [RecoveryEvent]) throws(SpoolError) {
        if case .call(Self.wrongVersion, _, let found, _) = error {
            throw .version(path: path, found: Int64(found), expected: Schema.version)
        }
        if case .call(Self.identity, _, _, let message) = error {
            throw .file(operation: "write", path: SpoolIdentity.path(directory), reason: message)
        }
        if case .call(_, _, 5, _) = error { throw .held(path: directory) }
        guard error.kind == .damaged, !isFresh else { throw .database(error) }
        try setAside("\(error)", &recovery)
    }

    private static let wrongVersion = "check the version"
    private static let identity = "write the identity"

    private func connect(isFresh: Bool) throws(SQLiteError) -> SpoolFile {
        let file = SpoolFile(try Database(plain: path, access: .write))
        if isFresh { try file.execute(Schema.form) }
        for (name, value, expected) in Schema.settings(pageLimit: configuration.pageLimit) {
            try file.execute("PRAGMA \(name)=\(value)")
            var found = ""
            try file.rows("PRAGMA \(name)") { row throws(SQLiteError) in
                found = row.text(0) ?? ""
                return false
            }
            // A file that is larger than its limit keeps its size as the limit.
            guard found == expected || name == "max_page_count" && Int(found) ?? 0 > configuration.pageLimit else {
                throw .call(
                    operation: "set \(name)", path: path, code: 1, message: "it is \(found), expected \(expected)")
            }
        }
        return file
    }

    private func checkVersion(_ file: SpoolFile, isFresh: Bool) throws(SQLiteError) {
        let tables = isFresh ? 0 : try file.integer("SELECT count(*) FROM sqlite_master")
        if tables == 0 {
            try file.execute(
                """
                BEGIN IMMEDIATE; \(Schema.tables) PRAGMA application_id=\(Schema.application);
                PRAGMA user_version=\(Schema.version); COMMIT;
                """)
            return
        }
        let application = try file.integer("PRAGMA application_id")
        guard application == Schema.application else {
            throw .call(
                operation: "read the application id", path: path, code: 26,
                message: "it is \(application ?? 0), expected \(Schema.application)")
        }
        let version = try file.integer("PRAGMA user_version") ?? 0
        guard version <= Schema.version else {
            throw .call(operation: Self.wrongVersion, path: path, code: Int32(clamping: version), message: "")
        }
        guard version == Schema.version else {
            throw .call(operation: "read the version", path: path, code: 26, message: "it is \(version)")
        }
    }

    /// Files up to this size are checked as a whole at opening; larger ones as they are read.
    private static let checkLimit = 64 << 20

    /// Reads what every later call needs, so that damage there is met now.
    private func probe(_ file: SpoolFile, _ memory: SpoolMemory) throws(SQLiteError) {
        guard try file.integer("SELECT count(*) FROM sqlite_master WHERE sql NOT NULL") == Int64(Schema.objects) else {
            throw .call(operation: "read the schema", path: path, code: 11, message: "tables are missing")
        }
        for row in memory.epochs {
            for slot in Slot.waiting { _ = try file.packets(slot: slot, RowKey.all(row.id), limit: 1) }
            _ = try file.tombstones(RowKey.all(row.id), limit: SpoolState.tombstoneLimit)
        }
        guard SystemFiles.size(path) <= Self.checkLimit else { return }
        var problem = "ok"
        try file.rows("PRAGMA integrity_check(1)") { row throws(SQLiteError) in
            problem = row.text(0) ?? "no answer"
            return false
        }
        guard problem == "ok" else {
            throw .call(operation: "check", path: path, code: 11, message: problem)
        }
    }

    /// Compares the file with the side file, and begins a new epoch where they do not fit.
    private func identify(
        _ file: SpoolFile, _ memory: inout SpoolMemory, isFresh: Bool, _ recovery: inout [RecoveryEvent]
    ) throws(SQLiteError) {
        let known = SpoolIdentity.read(directory)
        let place = SystemFiles.identity(path) ?? (0, 0)
        var reason: String?
        if memory.epochs.isEmpty || memory.epochs[memory.current].kind != .current {
            reason = known == nil && !recovery.contains(where: \.isSetAside) ? "the spool is new" : "the file is new"
        } else if let known {
            reason = known.difference(epoch: memory.epochs[memory.current].epoch, machine: machine, file: place)
        } else {
            reason = "the side file is missing"
        }
        guard let reason else { return }
        if let known, !memory.epochs.contains(where: { $0.epoch == known.epoch }) {
            try file.begin(lost: known.epoch, &memory)
            recovery.append(.lost(epoch: known.epoch))
        } else if isFresh, known == nil, !recovery.contains(where: \.isSetAside) {
            recovery.append(.created)
        }
        let epoch = Epoch.random()
        try file.begin(epoch, &memory)
        recovery.append(.newEpoch(reason: reason))
        // So that the schema does not hang on the log.
        try file.checkpoint("TRUNCATE")
        let identity = SpoolIdentity(epoch: epoch, machine: machine, inode: place.inode, system: place.system)
        do throws(SpoolError) { try identity.write(directory) } catch {
            throw .call(operation: Self.identity, path: path, code: 1, message: "\(error)")
        }
    }

    private func setAside(_ reason: String, _ recovery: inout [RecoveryEvent]) throws(SpoolError) {
        let folder = try SetAside.move(directory, now: now, keep: configuration.setAsideFiles)
        recovery.append(.setAside(path: folder, reason: reason))
    }
}

extension EpochRow {
    /// Nil where the row is not one that was written.
    init?(_ row: borrowing Statement) {
        guard let epoch = try? Epoch(bytes: row.blob(1)), let kind = Kind(rawValue: row.integer(2)),
            let next = UInt64(exactly: row.integer(3)), let nextFrame = UInt64(exactly: row.integer(4)),
            (1..<RowKey.epochLimit).contains(row.integer(0)), (1..<RowKey.limit).contains(next), row.integer(5) >= 0
        else { return nil }
        self.init(
            id: row.integer(0), epoch: epoch, kind: kind, next: next, nextFrame: nextFrame, target: row.integer(5))
        guard Int64(checksum) == row.integer(6) else { return nil }
    }
}

extension SpoolFile {
    /// What memory holds of the file.
    func memory() throws(SQLiteError) -> SpoolMemory {
        var memory = SpoolMemory()
        try rows("SELECT * FROM epochs ORDER BY id") { row throws(SQLiteError) in
            guard let found = EpochRow(row) else {
                throw .call(operation: "read the epochs", path: path, code: 11, message: "a row cannot be")
            }
            memory.epochs.append(found)
            return true
        }
        try rows("SELECT epoch, slot, count, size FROM totals") { row throws(SQLiteError) in
            guard let index = memory.epochs.firstIndex(where: { $0.id == row.integer(0) }) else { return true }
            memory.epochs[index].totals[Int(row.integer(1))] = Total(
                count: Int(row.integer(2)), size: Int(row.integer(3)))
            return true
        }
        try rows("SELECT name, value FROM ledger") { row throws(SQLiteError) in
            memory.take(row.text(0) ?? "", row.integer(1))
            return true
        }
        return memory
    }

    /// Begins an epoch, and closes the one before; durable when it returns.
    func begin(_ epoch: Epoch, _ memory: inout SpoolMemory) throws(SQLiteError) {
        var changed = memory
        for index in changed.epochs.indices where changed.epochs[index].kind == .current {
            changed.epochs[index].kind = .closed
        }
        let id = (changed.epochs.map(\.id).max() ?? 0) + 1
        changed.epochs.append(EpochRow(id: id, epoch: epoch, kind: .current))
        try save(changed.epochs)
        memory = changed
    }

    /// Notes an epoch of which only the name is known.
    func begin(lost epoch: Epoch, _ memory: inout SpoolMemory) throws(SQLiteError) {
        var changed = memory
        let id = (changed.epochs.map(\.id).max() ?? 0) + 1
        changed.epochs.append(EpochRow(id: id, epoch: epoch, kind: .lost))
        try save(changed.epochs)
        memory = changed
    }

    private func save(_ epochs: [EpochRow]) throws(SQLiteError) {
        try execute("BEGIN IMMEDIATE")
        for row in epochs { try write(row) }
        try execute("COMMIT")
    }
}
