internal import Glibc
internal import PerigeeCore

/// Names and headers of segments, and the files below them.
enum Segment {
    static let magic = Array("PGSEGMNT".utf8)
    static let version: UInt32 = 1
    static let headerSize = 16

    static func path(_ directory: String, _ number: Int) -> String {
        let digits = String(number)
        return "\(directory)/segments/\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).seg"
    }

    static func header(_ number: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(magic)
        writer.write(version)
        writer.write(UInt32(number))
        return writer.bytes
    }

    /// Numbers of the segments there are, ascending.
    static func numbers(_ directory: String) throws(ArchiveError) -> [Int] {
        let path = "\(directory)/segments"
        guard let listing = opendir(path) else { throw .last("list", path) }
        defer { closedir(listing) }
        var numbers: [Int] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".seg"), let number = Int(name.dropLast(4)), number > 0 { numbers.append(number) }
        }
        return numbers.sorted()
    }

    /// False where the header is damaged; records behind it carry all that is needed. Throws where a later version wrote it, which
    /// shows in records that this one cannot read either.
    static func hasSoundHeader(
        _ bytes: ArraySlice<UInt8>, _ number: Int, records: ArraySlice<UInt8>, path: String
    ) throws(ArchiveError) -> Bool {
        let found = Array(bytes.prefix(headerSize))
        if found == header(number) { return true }
        var reader = ByteReader(found)
        guard let magic = try? reader.read("magic", count: 8), Array(magic) == Self.magic,
            let version = try? reader.read("version", as: UInt32.self), (2...255).contains(version),
            (try? SegmentRecord.parse(records)) == nil
        else { return false }
        throw .format(
            path: path,
            error: .unknown(
                field: "segment version", value: "\(version)",
                expected: "\(Self.version): use the newer program that wrote it"))
    }
}

/// Owns one file descriptor; reads and writes are whole or an error.
struct SystemFile: ~Copyable {
    let descriptor: Int32
    let path: String

    init(_ path: String, flags: Int32) throws(ArchiveError) {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .last("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    mutating func size() throws(ArchiveError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("measure", path) }
        return Int(status.st_size)
    }

    mutating func write(_ octets: [UInt8], at offset: Int) throws(ArchiveError) {
        var done = 0
        while done < octets.count {
            let count = octets.withUnsafeBytes { bytes in
                pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("write", path) }
            done += count
        }
    }

    mutating func read(from offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
        var failure: ArchiveError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = 0
            while initialized < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + initialized }, count - initialized, offset + initialized)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = .last("read", path) }
                if got <= 0 { return }
                initialized += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    mutating func sync() throws(ArchiveError) {
        guard fdatasync(descriptor) == 0 else { throw .last("sync", path) }
    }

    mutating func truncate(to size: Int) throws(ArchiveError) {
        guard ftruncate(descriptor, size) == 0 else { throw .last("cut", path) }
    }

    /// Makes the entries of a directory durable.
    static func syncDirectory(_ path: String) throws(ArchiveError) {
        #if PERIGEE_BROKEN
            // a build for the fault bench alone, which must find it: Docs/decisions/0023-faults.md
            if getenv("PERIGEE_BREAK").map({ String(cString: $0) }) == "no-directory-sync" { return }
        #endif
        let directory = try SystemFile(path, flags: O_RDONLY | O_DIRECTORY)
        guard fsync(directory.descriptor) == 0 else { throw .last("sync", path) }
    }

    static func makeDirectory(_ path: String) throws(ArchiveError) {
        if mkdir(path, 0o750) != 0, errno != EEXIST { throw .last("make", path) }
    }

    /// The same, and the entry in the directory above it is durable.
    static func makeDurableDirectory(_ path: String) throws(ArchiveError) {
        guard access(path, F_OK) != 0 else { return }
        try makeDirectory(path)
        try syncDirectory("\(path)/..")
    }
}

extension ArchiveError {
    static func last(_ operation: String, _ path: String) -> ArchiveError {
        .file(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}
