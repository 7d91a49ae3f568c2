internal import PerigeeSQLite

/// The one connection, and its statements, each prepared once.
final class SpoolFile {
    private final class Prepared {
        let statement: Statement
        init(_ statement: consuming Statement) { self.statement = statement }
    }

    private let database: Database
    private var statements: [String: Prepared] = [:]

    init(_ database: consuming Database) { self.database = database }

    // Statements first: a connection closes when its last statement is gone.
    deinit { statements = [:] }

    var path: String { database.path }
    var lastInsertedRow: Int64 { database.lastInsertedRow }
    var changedRows: Int { database.changedRows }
    var pagesWritten: Int { database.pagesWritten }
    var isInTransaction: Bool { database.isInTransaction }

    func execute(_ sql: String) throws(SQLiteError) { try database.execute(sql) }

    /// Runs a statement without rows.
    func run(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) {
        try prepared(sql).statement.run(values)
    }

    /// Gives rows to `body` until it answers false. `body` must not use the same statement again.
    func rows(
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
    func integer(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> Int64? {
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
