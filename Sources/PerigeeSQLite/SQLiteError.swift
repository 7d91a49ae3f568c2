/// Why SQLite could not do what it was asked, with its own words.
public enum SQLiteError: Error, Equatable, Sendable {
    /// A call failed; `code` is SQLite's extended result code.
    case call(operation: String, path: String, code: Int32, message: String)
}

extension SQLiteError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .call(let operation, let path, let code, let message):
            "\(operation) in \(path) failed with SQLite's code \(code): \(message): \(Self.remedy(code))"
        }
    }

    private static func remedy(_ code: Int32) -> String {
        switch code & 0xFF {
        case 5, 6: "another process holds it, stop that one"
        case 8, 14: "check that the directory exists and who may write there"
        case 10: "check the disk, then start again"
        case 11, 26: "the file is damaged: make it anew, an index with `perigee archive reindex`"
        case 13: "the disk is full, make room"
        default: "see the message"
        }
    }
}
