internal import Glibc
internal import PerigeeLink

/// What `perigee keys` does with files beside reading and writing keys.
extension KeyFile {
    /// Whether it may name a pair or a station.
    public static func isName(_ text: String) -> Bool { (try? StationName(text)) != nil }

    /// Whether anything has this name.
    public static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Makes a folder inside of one that is there; none if it is there itself.
    public static func makeFolder(_ path: String) throws(KeyError) {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw .file(path: path, operation: "make the folder", code: errno)
    }

    /// Puts a file in the place of another one.
    public static func move(_ path: String, to other: String) throws(KeyError) {
        guard rename(path, other) == 0 else { throw .file(path: other, operation: "replace", code: errno) }
        let code = syncFolder(of: other)
        guard code == 0 else { throw .file(path: other, operation: "replace", code: code) }
    }

    /// Removes a file of public keys.
    public static func remove(_ path: String) throws(KeyError) {
        if unlink(path) == 0 {
            // a denial must hold after a power cut too
            let code = syncFolder(of: path)
            guard code == 0 else { throw .file(path: path, operation: "remove", code: code) }
            return
        }
        throw errno == ENOENT ? .missing(path: path) : .file(path: path, operation: "remove", code: errno)
    }

    /// A new pair for the file of this name.
    public static func newPair(for path: String) throws(KeyError) -> KeyPair {
        do throws(TransportError) { return try KeyPair.generate() } catch {
            throw .library(path: path, reason: "\(error)")
        }
    }
}
