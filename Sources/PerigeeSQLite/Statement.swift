internal import CSQLite

/// A value in a row.
public enum SQLiteValue: Equatable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
}

/// Owns one prepared statement. Use it with the connection that made it, on its thread.
public struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let path: String

    init(handle: OpaquePointer, path: String) {
        self.handle = handle
        self.path = path
    }

    deinit { sqlite3_finalize(handle) }

    /// Starts anew with these values for the `?` in order. Follow it with `step` until it answers false.
    public func bind(_ values: [SQLiteValue]) throws(SQLiteError) {
        sqlite3_reset(handle)
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(handle, place)
                case .integer(let integer): sqlite3_bind_int64(handle, place, integer)
                case .text(let text): perigee_sqlite_bind_text_copy(handle, place, text, -1)
                case .blob(let octets):
                    perigee_sqlite_bind_blob_copy(handle, place, octets, Int32(clamping: octets.count))
                }
            guard code == SQLITE_OK else { throw Database.error("bind", path, sqlite3_db_handle(handle)) }
        }
    }

    /// Goes to the next row; false where there is none, the statement is then ready for the next `bind`.
    public func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        default:
            let error = Database.error("step", path, sqlite3_db_handle(handle))
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs a statement without rows.
    public func run(_ values: [SQLiteValue]) throws(SQLiteError) {
        try bind(values)
        while try step() {}
    }

    /// Ends a walk through rows before its last one, so that it holds no lock.
    public func reset() { sqlite3_reset(handle) }

    /// A column of this row as it is; a real number reads as NULL.
    public func value(_ column: Int) -> SQLiteValue {
        switch sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_TEXT: .text(text(column) ?? "")
        case SQLITE_BLOB: .blob(blob(column))
        default: .null
        }
    }

    /// Whether a column of this row is NULL.
    public func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }

    /// A column of this row; NULL reads 0.
    public func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    /// A column of this row, nil where it is NULL.
    public func text(_ column: Int) -> String? {
        sqlite3_column_text(handle, Int32(column)).map { String(cString: $0) }
    }

    /// A column of this row; NULL reads as no octets.
    public func blob(_ column: Int) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, Int32(column)) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, Int32(column)))))
    }
}
