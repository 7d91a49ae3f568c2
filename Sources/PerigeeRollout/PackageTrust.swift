package import Glibc
public import PerigeeFirmware

/// Whether a bundle that nobody installed may be used: the one of the package, at a path of the configuration.
///
/// It is trusted as the program itself is: nobody may be able to change it who could not change the program. So its files
/// and all folders above must belong to root or to the owner of the program, and others must not be able to write there.
/// Else it needs a signature like any other.
public enum PackageTrust {
    /// Who may change a file or folder.
    package struct Rights: Equatable {
        var owner: uid_t
        var group: gid_t
        var mode: mode_t

        package init(owner: uid_t, group: gid_t, mode: mode_t) {
            (self.owner, self.group, self.mode) = (owner, group, mode)
        }

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(owner: status.st_uid, group: status.st_gid, mode: status.st_mode)
        }

        /// Why this is easier to change than `program`; nil where it is not.
        package func weakness(beside program: Rights) -> String? {
            guard owner == 0 || owner == program.owner else { return "belongs to user \(owner)" }
            // in a sticky folder nobody replaces what is another's
            let isSticky = mode & S_IFMT == S_IFDIR && mode & S_ISVTX != 0
            if mode & S_IWOTH != 0, !isSticky { return "can be written by everybody" }
            let isSharedAlike = program.mode & S_IWGRP != 0 && program.group == group
            if mode & S_IWGRP != 0, group != 0, !isSticky, !isSharedAlike { return "can be written by group \(group)" }
            return nil
        }
    }

    /// Throws `untrusted` where neither the files' rights nor a signature speak for the bundle in `directory`.
    public static func check(directory: String, keys: TrustedKeys) throws(RolloutError) {
        guard let program = Rights("/proc/self/exe") else {
            throw .untrusted(path: directory, problem: "the program's own rights cannot be read")
        }
        try check(directory: directory, keys: keys, program: program)
    }

    static func check(directory: String, keys: TrustedKeys, program: Rights) throws(RolloutError) {
        let names = try firmware { () throws(FirmwareError) in
            try DiskFiles(directory: directory).names(in: "")
        }
        var weakness: String?
        for path in folders(above: directory) + names.map({ "\(directory)/\($0)" }) where weakness == nil {
            guard let rights = Rights(path) else { continue }
            weakness = rights.weakness(beside: program).map { "\(path) \($0)" }
        }
        guard let weakness else { return }
        do throws(FirmwareError) {
            let packed = try PackedBundle(directory: directory)
            _ = try packed.verify(keys)
        } catch {
            throw .untrusted(path: directory, problem: "\(weakness), and \(error)")
        }
    }

    /// The folder itself and all above it, links followed.
    private static func folders(above directory: String) -> [String] {
        guard let resolved = realpath(directory, nil) else { return [directory] }
        defer { free(resolved) }
        var path = String(cString: resolved)
        var folders = [path]
        while let slash = path.lastIndex(of: "/"), path != "/" {
            path = slash == path.startIndex ? "/" : String(path[..<slash])
            folders.append(path)
        }
        return folders
    }
}
