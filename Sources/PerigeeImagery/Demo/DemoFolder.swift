import FoundationEssentials
import Glibc
import PerigeeCommandLine

/// A folder with a short name for sockets: paths of ipc endpoints may have 107 octets.
final class SocketFolder {
    let path: String

    init() throws(CommandFailure) {
        var name = Array("/tmp/perigee-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else {
            throw CommandFailure(.io, "no folder can be made in /tmp: check its rights")
        }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Folders that a demo makes anew.
enum DemoFolder {
    static func empty(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// Names of all GeoTIFFs below a folder, sorted.
    static func rasters(_ path: String) -> [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".tif") }.sorted().map { "\(path)/\($0)" }
    }
}
