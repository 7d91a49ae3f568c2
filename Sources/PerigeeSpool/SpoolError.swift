public import PerigeeSQLite

/// Why a spool could not do what it was asked.
public enum SpoolError: Error, Sendable {
    /// A call to the system failed.
    case file(operation: String, path: String, reason: String)
    /// SQLite failed, and what the file holds is known: the last commit.
    case database(SQLiteError)
    /// A commit failed, and whether the disk holds it is unknown: leave, and open the spool anew.
    case unknownFate(SQLiteError)
    /// The file is damaged beyond single packets: leave, and open the spool anew; opening sets it aside.
    case damaged(SQLiteError)
    /// A call failed before in a way that only opening anew mends.
    case failedBefore(path: String)
    /// Another process holds the spool.
    case held(path: String)
    /// A newer program made the file.
    case version(path: String, found: Int64, expected: Int64)
    /// A limit of the configuration cannot be kept.
    case configuration(field: String, found: Int, expected: String)
    /// A caller named an epoch that the spool does not have.
    case unknownEpoch(String)
    /// The disk is full, and nothing is left that may be dropped.
    case full(path: String)
}

extension SpoolError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let operation, let path, let reason):
            "\(operation) \(path) failed: \(reason): check the disk, its room, and who may write there"
        case .database(let error): "\(error)"
        case .unknownFate(let error): "it is unknown whether a commit reached the disk: start again: \(error)"
        case .damaged(let error): "the spool is damaged: start again, it is set aside and salvaged then: \(error)"
        case .failedBefore(let path): "a call on \(path) failed before: start again, what was committed is safe"
        case .held(let path): "\(path) is held by another process: stop it, or choose another directory"
        case .version(let path, let found, let expected):
            "\(path) has version \(found), expected \(expected): use the newer program, or move the directory away"
        case .configuration(let field, let found, let expected):
            "spool.\(field) is \(found), must be \(expected): correct the configuration"
        case .unknownEpoch(let text): "the spool has no epoch \(text): ask for one that `epochs` names"
        case .full(let path): "the disk of \(path) is full and nothing may be dropped: make room"
        }
    }
}
