internal import Glibc
internal import PerigeeLink

/// A folder of `NAME.pub` files as it was last read: who may come in, by key. A value; the thread that owns it reads it anew.
struct KeyDirectory: Sendable {
    /// What tells that a file is another one, or was written to.
    private struct Mark: Equatable {
        let inode: UInt64
        let size: Int64
        let modified: [Int]
    }

    private struct Entry {
        let mark: Mark
        var keys: [PublicKey]
        var problem: String?
    }

    let path: String
    private var entries: [String: Entry] = [:]
    /// Names by key.
    private(set) var names: [PublicKey: String] = [:]
    /// What is wrong with single files, or with the folder, as text with its remedy.
    private(set) var problems: [String] = []
    /// Whether names and problems are those of `entries`.
    private var isIndexed = false
    /// Files that are looked at; beyond it the folder is refused.
    static let fileLimit = 100_000

    init(path: String) { self.path = path }

    /// Looks at every file and reads those that changed; true where names or problems are others than before.
    ///
    /// A file that cannot be read any more keeps the keys it had, so that a slip of the pen locks nobody out; a file that is
    /// gone takes its keys with it. A folder that cannot be read changes nothing.
    mutating func reload() -> Bool {
        let before = (names, problems)
        guard let found = Self.list(path) else {
            isIndexed = false
            problems = ["\(path) cannot be listed, the keys read before still hold: check the folder and its rights"]
            return before.1 != problems
        }
        guard found.count <= Self.fileLimit else {
            isIndexed = false
            problems = ["\(path) has \(found.count) keys, the limit is \(Self.fileLimit): remove some"]
            return before.1 != problems
        }
        var next: [String: Entry] = [:]
        for file in found { next[file] = read(file) }
        // most seconds nothing changes
        if isIndexed, next.count == entries.count, next.allSatisfy({ entries[$0]?.mark == $1.mark }) { return false }
        entries = next
        index()
        isIndexed = true
        return before.0 != names || before.1 != problems
    }

    private func read(_ file: String) -> Entry? {
        let whole = "\(path)/\(file)"
        guard let mark = Self.mark(whole) else { return nil }  // gone meanwhile
        if let known = entries[file], known.mark == mark { return known }
        guard (try? StationName(String(file.dropLast(4)))) != nil else {
            return Entry(
                mark: mark, keys: [],
                problem: "\(whole) is not named NAME.pub with 1 to 32 of a-z, 0-9 and -: rename it")
        }
        do throws(KeyError) {
            return Entry(mark: mark, keys: try KeyFile.readPublic(whole))
        } catch {
            if case .missing = error { return nil }
            return Entry(mark: mark, keys: entries[file]?.keys ?? [], problem: "\(error)")
        }
    }

    private mutating func index() {
        names = [:]
        problems = []
        for (file, entry) in entries.sorted(by: { $0.key < $1.key }) {
            if let problem = entry.problem { problems.append(problem) }
            for key in entry.keys {
                if let other = names[key] {
                    problems.append("\(path)/\(file) has a key of \(other): give each its own, this one is not used")
                } else {
                    names[key] = String(file.dropLast(4))
                }
            }
        }
    }

    /// Names of the files of keys in a folder; nil where it cannot be read.
    private static func list(_ path: String) -> [String]? {
        guard let listing = opendir(path) else { return nil }
        defer { closedir(listing) }
        var names: [String] = []
        errno = 0  // the end and an error look alike; half a list would shut the other half out
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".pub"), !name.hasPrefix(".") { names.append(name) }
            errno = 0
        }
        return errno == 0 ? names : nil
    }

    private static func mark(_ path: String) -> Mark? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Mark(
            inode: UInt64(status.st_ino), size: Int64(status.st_size),
            modified: [
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
            ])
    }
}
