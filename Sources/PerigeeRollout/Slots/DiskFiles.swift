import Glibc
public import PerigeeFirmware

/// Files in a folder of a disk.
public struct DiskFiles: SlotFiles {
    private let directory: String

    /// Files in `directory`, which is made where it is missing.
    public init(directory: String) { self.directory = directory }

    private func path(_ name: String) -> String { name.isEmpty ? directory : "\(directory)/\(name)" }

    private func failure(_ name: String, _ operation: String) -> FirmwareError {
        let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
        return .file(path: path(name), operation: operation, reason: reason)
    }

    /// Octets of a file, off the disk where the system can forget what it wrote there.
    public func read(_ name: String, limit: Int) throws(FirmwareError) -> [UInt8]? {
        let descriptor = open(path(name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure(name, "open") }
        defer { close(descriptor) }
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unusable(field: path(name), found: "no regular file", expected: "a file")
        }
        let size = Int(status.st_size)
        guard size <= limit else { throw .outOfRange(field: "\(path(name)) size", value: size, limit: limit) }
        var octets = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = octets.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: done), size - done, off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(name, "read") }
            done += count
        }
        return octets
    }

    public func write(_ octets: [UInt8], to name: String) throws(FirmwareError) {
        try remove(name)
        let descriptor = open(path(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(name, "open") }
        var done = 0
        while done < octets.count {
            let count = octets.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), octets.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(name, "write")
                close(descriptor)
                throw error
            }
            done += count
        }
        guard close(descriptor) == 0 else { throw failure(name, "close") }
    }

    public func sync(_ name: String) throws(FirmwareError) {
        let descriptor = open(path(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(name, "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(name, "sync") }
    }

    public func rename(_ name: String, to other: String) throws(FirmwareError) {
        guard Glibc.rename(path(name), path(other)) == 0 else { throw failure(name, "rename") }
    }

    public func remove(_ name: String) throws(FirmwareError) {
        guard unlink(path(name)) == 0 || errno == ENOENT else { throw failure(name, "remove") }
    }

    public func makeFolder(_ name: String) throws(FirmwareError) {
        guard mkdir(path(name), 0o755) == 0 || errno == EEXIST else { throw failure(name, "make folder") }
    }

    public func names(in folder: String) throws(FirmwareError) -> [String] {
        guard let stream = opendir(path(folder)) else {
            if errno == ENOENT { return [] }
            throw failure(folder, "open folder")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Waits for another process that has the folder: an install takes a second or two.
    public func exclusively<Value>(_ body: () throws(RolloutError) -> Value) throws(RolloutError) -> Value {
        let descriptor: Int32
        do throws(FirmwareError) {
            try makeFolder("")
            descriptor = open(path("lock"), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { throw failure("lock", "open") }
            // whoever owns the folder could lead root astray in it, and root's files would lock the daemon out
            var status = stat()
            guard stat(directory, &status) == 0, status.st_uid == geteuid() else {
                close(descriptor)
                throw .unusable(
                    field: "owner of \(directory)", found: "user \(status.st_uid)",
                    expected: "the user of this process, \(geteuid()): run it as the station's user")
            }
        } catch { throw .firmware(error) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .firmware(failure("lock", "lock")) }
        }
        return try body()
    }
}
