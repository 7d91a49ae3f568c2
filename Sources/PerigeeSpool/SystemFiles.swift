internal import Glibc

/// Calls on files; each is whole or an error.
enum SystemFiles {
    static func makeDirectory(_ path: String) throws(SpoolError) {
        guard mkdir(path, 0o700) == 0 else {
            if errno == EEXIST { return }
            throw .last("make", path)
        }
        // What is synced in a directory whose own name is not is lost with it.
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try syncDirectory(path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent)
    }

    /// Makes the entries of a directory durable.
    static func syncDirectory(_ path: String) throws(SpoolError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync", path) }
    }

    static func rename(_ path: String, to other: String) throws(SpoolError) {
        guard Glibc.rename(path, other) == 0 else { throw .last("rename", path) }
    }

    static func remove(_ path: String) { unlink(path) }

    static func removeDirectory(_ path: String) { rmdir(path) }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Octets of a file, 0 where there is none.
    static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Names in a directory, in order.
    static func names(_ path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The first `limit` octets of a file; nil where it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var octets = [UInt8](repeating: 0, count: limit)
        var done = 0
        while done < limit {
            let count = octets.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { Glibc.read(descriptor, $0 + done, limit - done) } ?? 0
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            done += count
        }
        return Array(octets.prefix(done))
    }

    /// `count` octets from `offset` on, fewer at the end; nil where it cannot be read.
    static func read(_ path: String, from offset: Int, count: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return read(descriptor, from: offset, count: count)
    }

    static func read(_ descriptor: Int32, from offset: Int, count: Int) -> [UInt8]? {
        var failed = false
        let octets = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = 0
            while initialized < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + initialized }, count - initialized, offset + initialized)
                if got < 0, errno == EINTR { continue }
                failed = got < 0
                if got <= 0 { return }
                initialized += got
            }
        }
        return failed ? nil : octets
    }

    /// Writes into a file that is there, durably.
    static func overwrite(_ path: String, _ octets: [UInt8], at offset: Int) throws(SpoolError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        let written = octets.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) }
        guard written == octets.count, fdatasync(descriptor) == 0 else { throw .last("write", path) }
    }

    /// Writes a file beside `path` and puts it in its place; durable when it returns.
    static func replace(_ path: String, with octets: [UInt8], directory: String) throws(SpoolError) {
        let fresh = path + ".new"
        try write(fresh, octets, times: 1)
        try rename(fresh, to: path)
        try syncDirectory(directory)
    }

    /// Makes a new file that every user may read. Root writes it into a folder of somebody else, who must not lead it elsewhere: nothing
    /// that is there is followed or changed.
    static func write(_ path: String, shared octets: [UInt8]) throws(SpoolError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .last("make", path) }
        defer { close(descriptor) }
        let count = octets.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        // whatever the umask of who asks
        guard count == octets.count, fchmod(descriptor, 0o644) == 0 else {
            let error = SpoolError.last("write", path)
            unlink(path)
            throw error
        }
    }

    /// Writes `octets` over and over into a file, really and durably.
    static func write(_ path: String, _ octets: [UInt8], times: Int) throws(SpoolError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        for _ in 0..<times {
            var done = 0
            while done < octets.count {
                let count = octets.withUnsafeBytes { bytes in
                    bytes.baseAddress.map { Glibc.write(descriptor, $0 + done, bytes.count - done) } ?? 0
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw .last("write", path) }
                done += count
            }
        }
        guard fdatasync(descriptor) == 0 else { throw .last("sync", path) }
    }

    /// Octets that this user may still write on the disk of `path`, and those of the whole disk; nil where nobody says.
    static func room(_ path: String) -> (free: Int, total: Int)? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let unit = Int(clamping: status.f_frsize)
        let (free, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: unit)
        let (total, overflow2) = Int(clamping: status.f_blocks).multipliedReportingOverflow(by: unit)
        return overflow || overflow2 ? nil : (free, total)
    }

    /// What tells this file from a copy of it: its number, and its file system where that has an identity.
    static func identity(_ path: String) -> (inode: UInt64, system: UInt64)? {
        var status = stat()
        var system = statvfs()
        guard stat(path, &status) == 0, statvfs(path, &system) == 0 else { return nil }
        return (UInt64(status.st_ino), UInt64(system.f_fsid))
    }
}

extension SpoolError {
    static func last(_ operation: String, _ path: String) -> SpoolError {
        .file(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}

/// Holds a directory for one process, until it is gone.
final class SpoolLock: Sendable {
    private let descriptor: Int32

    init(_ directory: String) throws(SpoolError) {
        let path = directory + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .held(path: directory)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether somebody has it; nil where there is none, or it cannot be looked at.
    static func isHeld(_ directory: String) -> Bool? {
        let descriptor = open(directory + "/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return false }
        return errno == EWOULDBLOCK ? true : nil
    }
}

/// A note that the file is damaged, so that the next opening sets it aside.
enum DamageMark {
    static func path(_ directory: String) -> String { directory + "/damaged" }

    /// Where it cannot be written, the next opening finds the damage by itself.
    static func write(_ directory: String, reason: String) {
        try? SystemFiles.replace(path(directory), with: Array(reason.utf8.prefix(1_000)), directory: directory)
    }

    static func read(_ directory: String) -> String? {
        SystemFiles.read(path(directory), limit: 1_000).map { String(decoding: $0, as: UTF8.self) }
    }
}
