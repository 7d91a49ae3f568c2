/// A connection with its statements, each prepared once. One thread at a time.
public final class PreparedDatabase {
    private final class Prepared {
        let statement: Statement
        init(_ statement: consuming Statement) { self.statement = statement }
    }

    private let database: Database
    private var statements: [String: Prepared] = [:]

    /// Takes the connection over.
    public init(_ database: consuming Database) { self.database = database }

    // Statements first: a connection closes when its last statement is gone.
    deinit { statements = [:] }

    /// The file, for error texts.
    public var path: String { database.path }
    /// Key of the row that was last inserted.
    public var lastInsertedRow: Int64 { database.lastInsertedRow }
    /// Rows that the last statement changed.
    public var changedRows: Int { database.changedRows }
    /// Pages written since the connection was made.
    public var pagesWritten: Int { database.pagesWritten }
    /// False where SQLite has undone a transaction by itself.
    public var isInTransaction: Bool { database.isInTransaction }

    /// Runs one or more statements without results; they are not kept.
    public func execute(_ sql: String) throws(SQLiteError) { try database.execute(sql) }

    /// Runs a statement without rows.
    public func run(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) {
        try prepared(sql).statement.run(values)
    }

    /// Gives rows to `body` until it answers false. `body` must not use the same statement again.
    public func rows(
        _ sql: String, _ values: [SQLiteValue] = [],
        _ body: (borrowing Statement) throws(SQLiteError) -> Bool
    ) throws(SQLiteError) {
        let prepared = try prepared(sql)
        defer { prepared.statement.reset() }
        try prepared.statement.bind(values)
        while try prepared.statement.step() {
            guard try body(prepared.statement) else { return }
        }
    }

    /// The first column of the first row; nil where there is none or it is NULL.
    public func integer(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> Int64? {
        var found: Int64?
        try rows(sql, values) { row throws(SQLiteError) in
            found = row.isNull(0) ? nil : row.integer(0)
            return false
        }
        return found
    }

    private func prepared(_ sql: String) throws(SQLiteError) -> Prepared {
        if let known = statements[sql] { return known }
        let made = Prepared(try database.prepare(sql))
        statements[sql] = made
        return made
    }
}
