internal import Glibc

/// Octets of files that an operator put into the folder of offers.
enum OfferedFile {
    /// A whole file of at most `limit` octets; nil where it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) <= limit else {
            return nil
        }
        return read(descriptor, offset: 0, size: Int(status.st_size))
    }

    /// `size` octets from `offset` on; nil where they are not there.
    static func piece(_ path: String, offset: Int, size: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return read(descriptor, offset: offset, size: size)
    }

    private static func read(_ descriptor: Int32, offset: Int, size: Int) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = octets.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: done), size - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            done += count
        }
        return octets
    }
}
