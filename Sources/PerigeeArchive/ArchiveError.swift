public import PerigeeCore
public import PerigeeSQLite

/// Why an archive could not be opened, read or written.
public enum ArchiveError: Error, Sendable {
    /// A call to the system failed.
    case file(operation: String, path: String, reason: String)
    /// The index failed.
    case index(SQLiteError)
    /// There is no index.
    case noIndex(path: String)
    /// The index is damaged, or says what no segment says.
    case indexDamaged(reason: String)
    /// A segment is not what its name says.
    case format(path: String, error: FormatError)
    /// Another process writes to this archive.
    case locked(path: String)
    /// The index was made by another version of the program.
    case version(path: String, found: Int64, expected: Int64)
    /// A failed write left it unknown what is stored; open the archive anew.
    case failedBefore(path: String)
}

extension ArchiveError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let operation, let path, let reason):
            "\(operation) \(path) failed: \(reason): check the disk, its room, and who may write there"
        case .index(let error): "\(error)"
        case .noIndex(let path): "\(path) is not there: make it with `perigee archive reindex`"
        case .indexDamaged(let reason): "the index is damaged, \(reason): `perigee archive reindex` makes it anew"
        case .format(let path, let error): "\(path): \(error)"
        case .locked(let path): "\(path) is held by another process: stop it, or choose another archive"
        case .version(let path, let found, let expected):
            "\(path) has version \(found), expected \(expected): make it anew with `perigee archive reindex`"
        case .failedBefore(let path): "a write to \(path) failed before: start again, what was acknowledged is safe"
        }
    }
}
