internal import PerigeeSQLite

/// The one connection, and its statements.
typealias SpoolFile = PreparedDatabase
