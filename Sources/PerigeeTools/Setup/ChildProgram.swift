import Glibc
import PerigeeCommandLine

/// A program that this one started. Not by Foundation's `Process`: with Foundation linked in, the command is five times as large.
final class ChildProgram {
    private let id: pid_t
    private var ended: Int32?

    /// Starts the program at `path` without input; what it says goes to the two descriptors.
    init(_ path: String, _ words: [String], output: Int32, errors: Int32) throws(CommandFailure) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var pointers: [UnsafeMutablePointer<CChar>?] = ([path] + words).map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var id = pid_t()
        let code = posix_spawn(&id, path, &actions, nil, &pointers, environ)
        guard code == 0 else {
            throw CommandFailure(.unavailable, "\(path) cannot be started: \(String(cString: strerror(code)))")
        }
        self.id = id
    }

    /// Whether it has not ended yet.
    var isRunning: Bool { look(WNOHANG) == nil }

    /// Waits until it has ended; its exit code, or 128 and the number of the signal that ended it.
    @discardableResult
    func wait() -> Int32 { look(0) ?? -1 }

    /// Sends a signal, where it still runs.
    func signal(_ number: Int32) { if isRunning { kill(id, number) } }

    private func look(_ options: Int32) -> Int32? {
        if let ended { return ended }
        var status: Int32 = 0
        var found = waitpid(id, &status, options)
        while found < 0, errno == EINTR { found = waitpid(id, &status, options) }
        guard found == id else { return nil }
        let signal = status & 0x7f
        ended = signal == 0 ? status >> 8 & 0xff : 128 + signal
        return ended
    }
}
