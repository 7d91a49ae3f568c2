import Glibc

/// A file that grows by pieces and may be continued after a restart. It need not be durable: what it holds in the end is
/// checked by its digest.
struct IncomingFile {
    let path: String

    /// Octets that are there; 0 where there is no file.
    var size: Int {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
        return Int(status.st_size)
    }

    /// Adds octets at `offset`, the end; false where the disk refuses.
    func append(_ octets: ArraySlice<UInt8>, at offset: Int) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var done = 0
        while done < octets.count {
            let count = octets.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress?.advanced(by: done), octets.count - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    func remove() { unlink(path) }

    /// Octets that a file beside it could still take; nil where that cannot be told.
    static func freeSpace(_ folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }
}
