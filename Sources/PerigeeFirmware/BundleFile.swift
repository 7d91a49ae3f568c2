import Glibc

/// Reads files of a bundle whole, within a limit that is checked before anything is allocated.
enum BundleFile {
    /// Octets of a regular file of at most `limit` octets.
    static func read(_ path: String, field: String, limit: Int) throws(FirmwareError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "open") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, "stat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unusable(field: path, found: "no regular file", expected: "a file")
        }
        let size = Int(status.st_size)
        guard size <= limit else { throw .outOfRange(field: "\(field) size", value: size, limit: limit) }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = 0
            while count < size {
                let taken = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                if taken < 0 && errno == EINTR { continue }
                guard taken > 0 else {
                    failed = taken < 0
                    return
                }
                count += taken
            }
        }
        if failed { throw failure(path, "read") }
        return bytes
    }

    /// Names of what lies in a directory, sorted by octets, without dot files.
    static func names(in directory: String, limit: Int) throws(FirmwareError) -> [String] {
        guard let stream = opendir(directory) else { throw failure(directory, "open directory") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = Glibc.readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            guard names.count < limit else {
                throw .outOfRange(field: "entries of \(directory)", value: names.count + 1, limit: limit)
            }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func failure(_ path: String, _ operation: String) -> FirmwareError {
        let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
        return .file(path: path, operation: operation, reason: reason)
    }
}
