import Glibc
package import PerigeeCommandLine

/// Whole files, read within a limit and written under a temporary name.
package enum FileOctets {
    /// The octets of a regular file of at most `limit` octets.
    package static func read(_ path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure(.unavailable, "\(path) cannot be read: \(reason()): check the name")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(.unavailable, "\(path) is no regular file: name a file")
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw CommandFailure(.data, "\(path) has \(size) octets, the limit is \(limit): this is no such file")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = bytes.withUnsafeMutableBytes { raw in
                Glibc.read(descriptor, raw.baseAddress?.advanced(by: done), size - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw CommandFailure(.io, "\(path) cannot be read: \(count < 0 ? reason() : "it shrank")")
            }
            done += count
        }
        return bytes
    }

    /// Writes all of `bytes` under a temporary name beside `path`, makes it durable, and renames it.
    package static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
        let temporary = "\(path).part-\(getpid())"
        do throws(CommandFailure) {
            try writeNew(bytes, to: temporary, named: path)
            guard rename(temporary, path) == 0 else { throw failure(path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func writeNew(_ bytes: [UInt8], to name: String, named path: String) throws(CommandFailure) {
        let descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path) }
        var done = 0
        var isWritten = true
        while done < bytes.count, isWritten {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            isWritten = count > 0
            done += max(count, 0)
        }
        isWritten = isWritten && fsync(descriptor) == 0
        let problem = reason()
        guard close(descriptor) == 0, isWritten else {
            throw CommandFailure(
                .io, "\(path) cannot be written: \(problem): check the folder and the space on the disk")
        }
    }

    /// Makes a folder and those above it.
    package static func makeFolder(_ path: String) throws(CommandFailure) {
        var partial = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += partial.isEmpty || partial == "/" ? String(part) : "/\(part)"
            if mkdir(partial, 0o755) != 0, errno != EEXIST { throw failure(partial) }
        }
        guard InstallationFolders.isFolder(path) else {
            throw CommandFailure(.io, "\(path) is no folder: name another one")
        }
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure(
            .io, "\(path) cannot be written: \(reason()): check the folder, its rights and the space on the disk")
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}

extension FileOctets {
    /// The whole path of what has this name, links followed; nil where there is none.
    package static func resolve(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension FileOctets {
    /// Whether there is something of this name.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Octets of a file, 0 where there is none.
    static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The text of a file of the system that tells no size, its first 64 KiB.
    static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
