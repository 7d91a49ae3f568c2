internal import Glibc
internal import PerigeeCore

/// The folder `wants` of an archive: a file for each want, named by its identity. Files are put in place whole; the tool makes them, and
/// from then on the gateway alone changes them.
public struct WantFolder: Sendable {
    /// Files beyond it are not looked at.
    public static let fileLimit = 4_096
    private static let sizeLimit = 8_192
    private let path: String

    /// That of the archive in `directory`; made where it is missing.
    public init(_ directory: String) throws(ArchiveError) {
        path = "\(directory)/wants"
        try SystemFile.makeDirectory(path)
    }

    /// Identities of the files there are, ascending.
    public func identities() throws(ArchiveError) -> [UInt32] {
        guard let listing = opendir(path) else { throw .last("list", path) }
        defer { closedir(listing) }
        var identities: [UInt32] = []
        while identities.count < Self.fileLimit, let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".json"), name.utf8.count == 13, let identity = UInt32(name.prefix(8), radix: 16) {
                identities.append(identity)
            }
        }
        return identities.sorted()
    }

    /// One want; throws where its file says something else than a want.
    public func want(_ identity: UInt32) throws(ArchiveError) -> ArchiveWant {
        let path = file(identity)
        var file = try SystemFile(path, flags: O_RDONLY)
        let size = try file.size()
        guard size <= Self.sizeLimit else {
            throw .format(path: path, error: .outOfRange(field: "file size", value: size, limit: Self.sizeLimit))
        }
        let octets = try file.read(from: 0, count: size)
        do throws(FormatError) { return try ArchiveWant(parsing: octets, id: identity) } catch {
            throw .format(path: path, error: error)
        }
    }

    /// Puts a want in place, durably; readers see the old one or the new one.
    public func write(_ want: ArchiveWant) throws(ArchiveError) {
        let path = file(want.id)
        let temporary = "\(path).new"
        // the tool of root writes into a folder of the gateway's user, who must not lead it elsewhere: nothing that is there is followed
        guard unlink(temporary) == 0 || errno == ENOENT else { throw .last("remove", temporary) }
        var file = try SystemFile(temporary, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        fchmod(file.descriptor, 0o644)  // the gateway may be another user than who wants
        try file.write(want.packed, at: 0)
        try file.sync()
        guard rename(temporary, path) == 0 else { throw .last("rename", temporary) }
        try SystemFile.syncDirectory(self.path)
    }

    /// Takes a want away.
    public func remove(_ identity: UInt32) throws(ArchiveError) {
        guard unlink(file(identity)) == 0 || errno == ENOENT else { throw .last("remove", file(identity)) }
    }

    private func file(_ identity: UInt32) -> String { "\(path)/\(Hex.text(identity)).json" }
}
