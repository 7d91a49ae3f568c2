import Glibc

/// Small files of state that may be lost: read whole within a limit, replaced by renaming.
public enum SmallFile {
    /// The octets; nil where there is no such file, it is larger than `limit` or it cannot be read.
    public static func read(_ path: String, limit: Int) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else { return nil }
        var octets = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < octets.count {
            let got = octets.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            count += got
        }
        return octets
    }

    /// Writes the file beside itself and renames it, so that a reader sees one whole state. False where that failed.
    public static func write(_ octets: [UInt8], to path: String) -> Bool {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        var done = 0
        while done < octets.count {
            let count = octets.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.map { $0 + done }, octets.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            done += count
        }
        guard Glibc.close(file) == 0, done == octets.count else {
            unlink(temporary)
            return false
        }
        guard rename(temporary, path) == 0 else {
            unlink(temporary)
            return false
        }
        return true
    }
}
