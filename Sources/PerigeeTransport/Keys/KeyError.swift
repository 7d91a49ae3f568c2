internal import Glibc

/// Why a file of keys cannot be used. Each case names the file; none holds a secret.
public enum KeyError: Error, Equatable, Sendable {
    /// There is no such file.
    case missing(path: String)
    /// The system refused; `code` is its errno.
    case file(path: String, operation: String, code: Int32)
    /// Others than its owner may read or write a secret; `mode` is what it has.
    case openToOthers(path: String, mode: UInt32)
    /// It belongs to another user than the one who reads it, or to root.
    case foreign(path: String, owner: UInt32)
    /// What it holds is no file of such keys; `line` counts from 1.
    case malformed(path: String, line: Int, reason: String)
    /// It is there already and would be lost.
    case exists(path: String)
    /// The name is none.
    case name(String)
    /// Strangers can reach an endpoint, and there are no keys.
    case unprotected(field: String, endpoint: String)
    /// libzmq made no keys for it.
    case library(path: String, reason: String)
}

extension KeyError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let path): "\(path) is not there: make keys with `perigee keys gen`, or correct the path"
        case .file(let path, let operation, let code):
            "cannot \(operation) \(path): \(String(cString: strerror(code))): check its owner and its folder"
        case .openToOthers(let path, let mode):
            "\(path) holds a secret and has mode \(Self.octal(mode)), others may use it: run `chmod 600 \(path)`"
        case .foreign(let path, let owner):
            "\(path) holds a secret and belongs to user \(owner): run `chown \(geteuid()) \(path)`"
        case .malformed(let path, let line, let reason):
            "\(path), line \(line): \(reason): copy the file again, or make new keys with `perigee keys gen`"
        case .exists(let path): "\(path) is there already: use `perigee keys rotate`, finish it, or remove the file"
        case .name(let text): "\"\(text.prefix(64))\" is no name: write 1 to 32 of a-z, 0-9 and -"
        case .unprotected(let field, let endpoint):
            "\(field) is \(endpoint), which others can reach, and there are no keys: make them with `perigee keys gen`, use "
                + "ipc or 127.0.0.1, or set insecure = true beside it"
        case .library(let path, let reason): "no keys for \(path): \(reason)"
        }
    }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
