internal import Glibc

/// What whoever asks from elsewhere must know.
public struct HTTPToken: Equatable, Sendable {
    private let octets: [UInt8]
    private static let sizes = 16...256

    /// Reads the first line of a file that only its owner, or the group too, can read.
    public init(path: String) throws(HTTPError) {
        let handle = open(path, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else {
            throw .token(
                path: path, problem: "cannot be read (\(String(cString: strerror(errno))))",
                remedy: "make it with `head -c 24 /dev/urandom | base64`, readable by the daemon's user")
        }
        defer { close(handle) }
        var status = stat()
        guard fstat(handle, &status) == 0, status.st_mode & 0o007 == 0 else {
            throw .token(path: path, problem: "can be read by everybody", remedy: "chmod o= it")
        }
        var buffer = [UInt8](repeating: 0, count: 1_024)
        let count = max(read(handle, &buffer, buffer.count), 0)
        octets = Array(buffer.prefix(count).prefix { $0 != 0x0A && $0 != 0x0D })
        guard Self.sizes.contains(octets.count), octets.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .token(
                path: path, problem: "has a first line of \(octets.count) octets, must be 16 to 256 printable ones",
                remedy: "make it with `head -c 24 /dev/urandom | base64`")
        }
    }

    /// Compares in a time that tells nothing but the length.
    func fits(_ given: String) -> Bool {
        let given = Array(given.utf8)
        guard given.count == octets.count else { return false }
        return zip(given, octets).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
