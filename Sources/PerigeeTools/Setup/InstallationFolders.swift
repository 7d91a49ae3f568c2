import Glibc
import PerigeeCommandLine

/// Where sensor profiles and firmware lie. One place for all commands, so that each finds the same.
package struct InstallationFolders {
    /// Folder of sensor profiles.
    let sensors: String
    /// Folder of firmware bundles, or one bundle.
    let firmware: String

    /// Looks, in this order, in `home` (--home), $PERIGEE_HOME, the folders above the executable, and /usr/share/perigee;
    /// the first that holds `Config/sensors` or `sensors` counts. `firmware` (--firmware) wins over what lies there.
    init(home: String?, firmware: String?) throws(CommandFailure) {
        let candidates = (home ?? Terminal.environment("PERIGEE_HOME")).map { [$0] } ?? Self.usualHomes()
        for root in candidates {
            for (sensors, bundles) in [("Config/sensors", "Firmware"), ("sensors", "firmware")]
            where Self.isFolder("\(root)/\(sensors)") {
                self.sensors = "\(root)/\(sensors)"
                self.firmware = firmware ?? "\(root)/\(bundles)"
                return
            }
        }
        throw CommandFailure(
            .config,
            "no sensor profiles in \(candidates.joined(separator: ", ")): give --home DIR, a folder that holds Config/sensors"
        )
    }

    private static func usualHomes() -> [String] {
        var homes: [String] = []
        if var path = executable() {
            // .build/<triple>/release/perigee lies three folders below the repository, bin/perigee two below share.
            for _ in 0..<4 {
                guard let slash = path.lastIndex(of: "/") else { break }
                path = String(path[..<slash])
                homes.append(path.isEmpty ? "/" : path)
            }
            if homes.count > 1 { homes.append("\(homes[1])/share/perigee") }
        }
        return homes.filter { isFolder("\($0)/Config/sensors") || isFolder("\($0)/sensors") } + ["/usr/share/perigee"]
    }

    private static func executable() -> String? {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// Whether a folder has this name.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether a regular file has this name.
    package static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
