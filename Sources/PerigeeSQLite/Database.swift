internal import CSQLite

/// Owns one SQLite connection. Calls block; it belongs to one thread at a time.
public struct Database: ~Copyable {
    /// What the connection may do.
    public enum Access: Sendable {
        /// The one that writes; makes the file where it is missing, in WAL mode.
        case write
        case readOnly
    }

    let handle: OpaquePointer
    /// The file, for error texts.
    public let path: String

    /// Opens `path` without any setting but extended result codes: who opens says the rest.
    public init(plain path: String, access: Access) throws(SQLiteError) {
        handle = try Self.open(path, access)
        self.path = path
    }

    private static func open(_ path: String, _ access: Access) throws(SQLiteError) -> OpaquePointer {
        var opened: OpaquePointer?
        let flags =
            access == .write
            ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
            : SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory"
            sqlite3_close_v2(opened)
            throw .call(operation: "open", path: path, code: code, message: message)
        }
        sqlite3_extended_result_codes(opened, 1)
        return opened
    }

    /// Opens `path`. A writer syncs at checkpoints only (`synchronous=NORMAL`) unless `syncsEachCommit`.
    public init(_ path: String, access: Access, syncsEachCommit: Bool = true) throws(SQLiteError) {
        let opened = try Self.open(path, access)
        sqlite3_busy_timeout(opened, 5_000)
        var settings = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
        if access == .write {
            settings += "PRAGMA journal_mode=WAL; PRAGMA synchronous=\(syncsEachCommit ? "FULL" : "NORMAL");"
            settings += "PRAGMA secure_delete=OFF; PRAGMA journal_size_limit=16777216;"
        }
        guard sqlite3_exec(opened, settings, nil, nil, nil) == SQLITE_OK else {
            let error = Self.error("configure", path, opened)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        self.path = path
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs one or more statements without results.
    public func execute(_ sql: String) throws(SQLiteError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw Self.error("execute", path, handle) }
    }

    /// A statement with `?` for its values. It must not outlive the connection's use.
    public func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw Self.error("prepare \"\(sql)\"", path, handle) }
        return Statement(handle: statement, path: path)
    }

    /// Runs `body` in one transaction. Where it or the commit throws, nothing of it is visible to this connection, but after a failed commit
    /// the file may still bring it back: close, and open anew, before relying on either.
    public func transaction<Failure: Error>(
        _ body: () throws(Failure) -> Void, wrap: (SQLiteError) -> Failure
    ) throws(Failure) {
        do throws(SQLiteError) { try execute("BEGIN IMMEDIATE") } catch { throw wrap(error) }
        do throws(Failure) { try body() } catch {
            sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
            throw error
        }
        do throws(SQLiteError) { try execute("COMMIT") } catch {
            sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
            throw wrap(error)
        }
    }

    /// Key of the row that was last inserted by this connection.
    public var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Closing leaves the WAL as it is: for a file of which nothing is to change.
    public func keepWALOnClose() { _ = perigee_sqlite_keep_wal(handle) }

    /// Rows that the last statement changed.
    public var changedRows: Int { Int(sqlite3_changes64(handle)) }

    /// False where SQLite has undone a transaction by itself.
    public var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Pages written since the connection was made: into the WAL, where there is one.
    public var pagesWritten: Int {
        var current: Int32 = 0
        var highest: Int32 = 0
        guard sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0) == SQLITE_OK else {
            return 0
        }
        return Int(current)
    }

    static func error(_ operation: String, _ path: String, _ handle: OpaquePointer?) -> SQLiteError {
        .call(
            operation: operation, path: path, code: sqlite3_extended_errcode(handle),
            message: String(cString: sqlite3_errmsg(handle)))
    }
}
