import Glibc
import PerigeeCommandLine

/// A program of the system, run to its end.
enum ChildProcess {
    struct Answer {
        var code: Int32
        var output: String
    }

    private static let outputLimit = 1 << 20

    /// Runs a program that is found along PATH, without input; its errors are dropped. Throws where there is none.
    static func run(_ name: String, _ words: [String]) throws(CommandFailure) -> Answer {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw failure(name, errno) }
        defer { close(ends[0]) }
        // the child has the writing end as its output alone, else the reading one sees no end
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var arguments = ([name] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, name, &actions, nil, &arguments, environ)
        close(ends[1])
        guard code == 0 else { throw failure(name, code) }
        let output = read(ends[0])
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // ended by a signal: the shell's way to say so
        let ended = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return Answer(code: ended, output: String(decoding: output, as: UTF8.self))
    }

    /// Up to the end, or the limit: what comes behind it is not read, and ends the program's writing.
    private static func read(_ descriptor: Int32) -> [UInt8] {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while output.count < outputLimit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            output += buffer.prefix(count)
        }
        return output
    }

    private static func failure(_ name: String, _ code: Int32) -> CommandFailure {
        CommandFailure(.unavailable, "\(name) cannot be started: \(String(cString: strerror(code))): install it")
    }
}
