package import Glibc
public import PerigeeFirmware

/// Whether a bundle that nobody installed may be used: the one of the package, at a path of the configuration.
///
/// It is trusted as the program itself is: whoever may change one of its files, or a folder above, must be root or somebody who
/// could change the program too. Else it needs a signature like any other.
public enum PackageTrust {
    /// Who may change or replace a file, by the rights of the file and of all folders above.
    package struct Writers: Equatable {
        package var owners: Set<uid_t> = []
        package var groups: Set<gid_t> = []
        package var isEverybody = false

        package init() {}

        /// Adds those whom the rights of one file or folder name. Root may always.
        package mutating func add(owner: uid_t, group: gid_t, mode: mode_t) {
            if owner != 0 { owners.insert(owner) }
            // in a sticky folder nobody replaces what is another's
            if mode & S_IFMT == S_IFDIR, mode & S_ISVTX != 0 { return }
            if mode & S_IWGRP != 0, group != 0 { groups.insert(group) }
            if mode & S_IWOTH != 0 { isEverybody = true }
        }

        mutating func add(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            add(owner: status.st_uid, group: status.st_gid, mode: status.st_mode)
        }

        /// Those who are none of `program`'s; nil where there are none.
        package func strangers(to program: Writers) -> String? {
            if program.isEverybody { return nil }
            if isEverybody { return "everybody" }
            if let owner = owners.subtracting(program.owners).min() { return "user \(owner)" }
            return groups.subtracting(program.groups).min().map { "group \($0)" }
        }
    }

    /// Throws `untrusted` where neither the files' rights nor a signature speak for the bundle in `directory`.
    public static func check(directory: String, keys: TrustedKeys) throws(RolloutError) {
        var program = Writers()
        for path in chain("/proc/self/exe") { program.add(path) }
        try check(directory: directory, keys: keys, program: program)
    }

    package static func check(directory: String, keys: TrustedKeys, program: Writers) throws(RolloutError) {
        let names = try firmware { () throws(FirmwareError) in
            try DiskFiles(directory: directory).names(in: "")
        }
        for path in chain(directory) + names.map({ "\(directory)/\($0)" }) {
            var writers = Writers()
            writers.add(path)
            guard let strangers = writers.strangers(to: program) else { continue }
            do throws(FirmwareError) {
                _ = try PackedBundle(directory: directory).verify(keys)
                return
            } catch {
                throw .untrusted(path: directory, problem: "\(strangers) can change \(path), and \(error)")
            }
        }
    }

    /// A file or folder and all folders above it, links followed.
    private static func chain(_ path: String) -> [String] {
        guard let resolved = realpath(path, nil) else { return [path] }
        defer { free(resolved) }
        var path = String(cString: resolved)
        var chain = [path]
        while let slash = path.lastIndex(of: "/"), path != "/" {
            path = slash == path.startIndex ? "/" : String(path[..<slash])
            chain.append(path)
        }
        return chain
    }
}
