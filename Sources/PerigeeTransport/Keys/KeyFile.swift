internal import Glibc

/// Files of keys: a first line that says what follows, then one key a line. Docs/security.md section 3.
///
/// No comments: `#` is a letter of Z85.
public enum KeyFile {
    /// Public keys that one file may hold: two while keys change.
    public static let publicKeyLimit = 2
    private static let sizeLimit = 1_024
    private static let publicHeader = "perigee curve public 1"
    private static let secretHeader = "perigee curve secret 1"

    /// The one or two public keys of a file, in its order.
    public static func readPublic(_ path: String) throws(KeyError) -> [PublicKey] {
        let lines = try lines(of: read(path) { _ in }, path, header: publicHeader, limit: publicKeyLimit)
        var keys: [PublicKey] = []
        for (index, line) in lines.enumerated() {
            guard let key = PublicKey(text: line) else {
                throw .malformed(path: path, line: index + 2, reason: "is no key of 40 letters of Z85")
            }
            guard !keys.contains(key) else {
                throw .malformed(path: path, line: index + 2, reason: "is the same key again")
            }
            keys.append(key)
        }
        return keys
    }

    /// The secret of a file that only its owner may use. `isCredential`: the service manager made it, in a folder of its own
    /// that it opens to this process alone; the group bits are then the mask of an access list (systemd.exec, Credentials).
    public static func readSecret(_ path: String, isCredential: Bool = false) throws(KeyError) -> KeyPair {
        let octets = try read(path) { (status) throws(KeyError) in
            let mode = status.st_mode & 0o7777
            guard mode & (isCredential ? 0o037 : 0o077) == 0 else { throw .openToOthers(path: path, mode: mode) }
            guard isCredential || [0, status.st_uid].contains(geteuid()) else {
                throw .foreign(path: path, owner: status.st_uid)
            }
        }
        let lines = try lines(of: octets, path, header: secretHeader, limit: 1)
        guard let line = lines.first, let secret = SecretKey(text: line), let pair = try? KeyPair(secret: secret) else {
            throw .malformed(path: path, line: 2, reason: "is no key of 40 letters of Z85")
        }
        return pair
    }

    /// The pair of a daemon: the credential `curve.secret` that the service manager gives it, else its own file; nil where
    /// neither is there. `credentials` is the value of `$CREDENTIALS_DIRECTORY`.
    public static func own(_ path: String, credentials: String?) throws(KeyError) -> KeyPair? {
        let credential = credentials.map { "\($0)/curve.secret" }
        if let credential, isThere(credential) { return try readSecret(credential, isCredential: true) }
        return isThere(path) ? try readSecret(path) : nil
    }

    /// Writes public keys for everybody to read; an older file is replaced whole.
    public static func writePublic(_ keys: [PublicKey], to path: String) throws(KeyError) {
        try write(publicHeader, keys.map(\.text), to: path, mode: 0o644)
    }

    /// Writes a secret for its owner alone; an older file is replaced whole.
    public static func writeSecret(_ pair: KeyPair, to path: String) throws(KeyError) {
        try write(secretHeader, [pair.secret.text], to: path, mode: 0o600)
    }

    private static func lines(
        of octets: [UInt8], _ path: String, header: String, limit: Int
    ) throws(KeyError) -> [String] {
        var lines = String(decoding: octets, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.first.map(String.init) == header else {
            throw .malformed(path: path, line: 1, reason: "is not \"\(header)\"")
        }
        let keys = lines.dropFirst().map(String.init)
        guard (1...limit).contains(keys.count) else {
            throw .malformed(
                path: path, line: min(keys.count, limit) + 2,
                reason: keys.isEmpty ? "has no key" : "has more keys than \(limit)")
        }
        return keys
    }

    private static func read(
        _ path: String, check: (stat) throws(KeyError) -> Void
    ) throws(KeyError) -> [UInt8] {
        // not blocking: a pipe of that name must not hold up the start
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .file(path: path, operation: "open", code: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .file(path: path, operation: "look at", code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .malformed(path: path, line: 1, reason: "is no regular file")
        }
        try check(status)
        var octets = [UInt8](repeating: 0, count: sizeLimit + 1)
        var count = 0
        while count < octets.count {
            let got = octets.withUnsafeMutableBytes { raw in
                Glibc.read(descriptor, raw.baseAddress?.advanced(by: count), raw.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .file(path: path, operation: "read", code: errno) }
            if got == 0 { break }
            count += got
        }
        guard count <= sizeLimit else {
            throw .malformed(path: path, line: 1, reason: "has more than \(sizeLimit) octets")
        }
        return Array(octets.prefix(count))
    }

    /// Makes a new name durable; answers errno.
    static func syncFolder(of path: String) -> Int32 {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? 0 : errno
    }

    /// Under a name of its own first, which readers of the folder pass over, then in place whole.
    private static func write(_ header: String, _ keys: [String], to path: String, mode: mode_t) throws(KeyError) {
        let temporary = "\(path).part-\(getpid())"
        let text = ([header] + keys).joined(separator: "\n") + "\n"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .file(path: path, operation: "write", code: errno) }
        var code: Int32 = 0
        // the mask of the process must not decide
        if fchmod(descriptor, mode) != 0 || Glibc.write(descriptor, text, text.utf8.count) != text.utf8.count
            || fsync(descriptor) != 0
        {
            code = errno
        }
        close(descriptor)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        if code == 0 { code = syncFolder(of: path) }
        guard code == 0 else {
            unlink(temporary)
            throw .file(path: path, operation: "write", code: code)
        }
    }
}
