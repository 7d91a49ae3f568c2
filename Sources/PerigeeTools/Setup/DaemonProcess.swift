import Glibc
package import PerigeeCommandLine

/// One of our own daemons; ended by its own id.
package final class DaemonProcess {
    private let program: ChildProgram
    private let name: String
    private let log: String

    /// Starts `name` with its log in a file.
    package init(_ name: String, _ words: [String], log: String) throws(CommandFailure) {
        self.name = name
        self.log = log
        guard let path = InstalledPrograms.path(name) else {
            throw CommandFailure(.unavailable, "\(name) is not installed: install it, or run `make build`")
        }
        let output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw CommandFailure(.io, "\(log) cannot be written: check the folder") }
        defer { close(output) }
        program = try ChildProgram(path, words, output: output, errors: output)
    }

    /// Throws where it has ended by itself.
    package func check() throws(CommandFailure) {
        guard !program.isRunning else { return }
        throw CommandFailure(.unavailable, "\(name) ended with code \(program.wait()): see \(log)")
    }

    /// Asks it to end, and waits; after `patience` seconds it is killed.
    package func stop(patience: Double) {
        program.signal(SIGTERM)
        let end = ContinuousClock.now.advanced(by: .seconds(patience))
        while program.isRunning, ContinuousClock.now < end { usleep(20_000) }
        program.signal(SIGKILL)
        program.wait()
    }
}
