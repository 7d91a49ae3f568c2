import Glibc

/// Where our own programs lie: beside each other after a build; in `bin` and `libexec` of an installation.
package enum InstalledPrograms {
    /// The path of the program `name`; nil where it is not installed.
    package static func path(_ name: String) -> String? {
        guard let own = FileOctets.resolve("/proc/self/exe"), let slash = own.lastIndex(of: "/") else { return nil }
        let folder = own[..<slash]
        return ["\(folder)/\(name)", "\(folder)/../bin/\(name)", "\(folder)/../libexec/\(name)"].first {
            access($0, X_OK) == 0 && InstallationFolders.isFile($0)
        }
    }
}
