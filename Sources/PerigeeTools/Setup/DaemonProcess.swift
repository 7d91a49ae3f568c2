import Foundation
package import PerigeeCommandLine

/// One of our own daemons; ended by its own id.
package final class DaemonProcess {
    private let process = Process()
    private let name: String
    private let log: String

    /// Starts `name` with its log in a file.
    package init(_ name: String, _ words: [String], log: String) throws(CommandFailure) {
        self.name = name
        self.log = log
        guard let program = InstalledPrograms.path(name) else {
            throw CommandFailure(.unavailable, "\(name) is not installed: install it, or run `make build`")
        }
        process.executableURL = URL(filePath: program)
        process.arguments = words
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        guard let output = FileHandle(forWritingAtPath: log) else {
            throw CommandFailure(.io, "\(log) cannot be written: check the folder")
        }
        process.standardOutput = output
        process.standardError = output
        do { try process.run() } catch {
            throw CommandFailure(
                .unavailable, "\(program) cannot be started: \(error.localizedDescription)")
        }
    }

    /// Throws where it has ended by itself.
    package func check() throws(CommandFailure) {
        guard !process.isRunning else { return }
        throw CommandFailure(.unavailable, "\(name) ended with code \(process.terminationStatus): see \(log)")
    }

    /// Asks it to end, and waits; after `patience` seconds it is killed.
    package func stop(patience: Double) {
        guard process.isRunning else { return }
        process.terminate()
        let end = Date(timeIntervalSinceNow: patience)
        while process.isRunning, Date() < end { usleep(20_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}
