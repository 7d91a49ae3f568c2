import Glibc

/// Reads small files whole, and lists folders.
public enum ConfigurationFile {
    static let sizeLimit = 1 << 20  // octets

    /// The octets of a file of at most 1 MiB.
    public static func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path, "cannot be opened") }
        defer { close(file) }
        var octets = [UInt8](repeating: 0, count: sizeLimit + 1)
        var count = 0
        while count < octets.count {
            let got = octets.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure(path, "cannot be read") }
            if got == 0 { break }
            count += got
        }
        guard count <= sizeLimit else {
            throw ConfigurationError(
                problems: [
                    ConfigurationProblem(
                        file: path, line: 0, key: "", message: "is larger than \(sizeLimit) octets: give a smaller file"
                    )
                ])
        }
        return Array(octets[..<count])
    }

    /// Names in the folder that end with `suffix`, sorted.
    static func list(_ folder: String, suffix: String) throws(ConfigurationError) -> [String] {
        guard let handle = opendir(folder) else { throw failure(folder, "cannot be opened") }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { octets in
                String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(suffix), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// `path` as seen from the folder of `file`, unless it is absolute.
    static func resolve(_ path: String, besides file: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    private static func failure(_ path: String, _ what: String) -> ConfigurationError {
        let reason = String(cString: strerror(errno))
        return ConfigurationError(
            problems: [
                ConfigurationProblem(
                    file: path, line: 0, key: "", message: "\(what) (\(reason)): check the path and its permissions")
            ])
    }
}
