internal import Glibc
import PerigeeCore
import PerigeeSQLite

/// Opening: a file of this epoch, whole as far as one sees, or a new one.
struct MemoryOpening {
    let path: String
    let epoch: Epoch
    let quota: Int
    let retention: Retention

    /// A file that was set aside; the one before goes.
    var asidePath: String { path + ".aside" }

    /// The file, and what had to be done for it.
    func open() throws(SQLiteError) -> (store: MemoryStore, event: PlaceMemory.OpeningEvent) {
        let isThere = access(path, F_OK) == 0
        do throws(SQLiteError) {
            if let store = try known() { return (store, isThere ? .opened : .created) }
        } catch {
            guard isThere, error.isDamage else { throw error }
            setAside()
            guard let store = try known() else { throw error }
            return (store, .setAside(reason: "\(error)"))
        }
        remove()
        guard let store = try known() else { throw wrong("it has another epoch though it is new") }
        return (store, .otherEpoch)
    }

    /// Nil where the file is another epoch's.
    private func known() throws(SQLiteError) -> MemoryStore? {
        let file = PreparedDatabase(try Database(plain: path, access: .write))
        try file.execute(MemorySchema.settings)
        if try file.integer("SELECT count(*) FROM sqlite_master") == 0 { try make(file) }
        let application = try file.integer("PRAGMA application_id")
        let version = try file.integer("PRAGMA user_version")
        guard application == MemorySchema.application, version == MemorySchema.version else {
            throw wrong(
                "application \(application ?? 0) version \(version ?? 0), expected version \(MemorySchema.version)")
        }
        var found: [UInt8]?
        try file.rows("SELECT substr(epoch, 1, \(Epoch.size + 1)) FROM about") { row throws(SQLiteError) in
            found = row.blob(0)
            return false
        }
        guard let found else { throw wrong("it does not say its epoch") }
        guard found == epoch.bytes else { return nil }
        return try MemoryStore(file: file, epoch: epoch, quota: quota, retention: retention)
    }

    private func make(_ file: PreparedDatabase) throws(SQLiteError) {
        try file.execute("BEGIN IMMEDIATE; \(MemorySchema.tables)")
        try file.run("INSERT INTO about VALUES (1, ?, 0, 0, 0)", [.blob(epoch.bytes)])
        try file.execute(
            """
            PRAGMA application_id=\(MemorySchema.application); PRAGMA user_version=\(MemorySchema.version); COMMIT;
            """)
    }

    private func wrong(_ message: String) -> SQLiteError {
        .call(operation: "read the version", path: path, code: 26, message: message)
    }

    /// Keeps the file to be looked at.
    func setAside() {
        rename(path, asidePath)
        if access(path, F_OK) == 0 { unlink(path) }
        unlink(path + "-wal")
        unlink(path + "-shm")
    }

    /// Takes the file away; false where it stays.
    @discardableResult
    func remove() -> Bool {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        return access(path, F_OK) != 0
    }
}

extension SQLiteError {
    /// The file itself is to blame, not the disk, its room, or who may write there.
    var isDamage: Bool {
        switch self {
        // busy, locked, no memory, read-only, interrupted, input or output, full, cannot open, permission, file too large, authorisation
        case .call(_, _, let code, _): ![5, 6, 7, 8, 9, 10, 13, 14, 3, 22, 23].contains(code & 0xFF)
        }
    }
}
