import Foundation
import PerigeeCommandLine

/// One of our own daemons, started beside this program; ended by its own id.
final class DaemonProcess {
    private let process = Process()
    private let name: String
    private let log: String

    /// Starts `name`, which lies beside this program, with its log in a file.
    init(_ name: String, _ words: [String], log: String) throws(CommandFailure) {
        self.name = name
        self.log = log
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        process.executableURL = URL(filePath: own).deletingLastPathComponent().appending(path: name)
        process.arguments = words
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        guard let output = FileHandle(forWritingAtPath: log) else {
            throw CommandFailure(.io, "\(log) cannot be written: check the folder")
        }
        process.standardOutput = output
        process.standardError = output
        do { try process.run() } catch {
            throw CommandFailure(
                .unavailable, "\(name) cannot be started: \(error.localizedDescription): run `make build`")
        }
    }

    /// Throws where it has ended by itself.
    func check() throws(CommandFailure) {
        guard !process.isRunning else { return }
        throw CommandFailure(.unavailable, "\(name) ended with code \(process.terminationStatus): see \(log)")
    }

    /// Asks it to end, and waits; after `patience` seconds it is killed.
    func stop(patience: Double) {
        guard process.isRunning else { return }
        process.terminate()
        let end = Date(timeIntervalSinceNow: patience)
        while process.isRunning, Date() < end { usleep(20_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}

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
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".tif") }.sorted().map { "\(path)/\($0)" }
    }
}
