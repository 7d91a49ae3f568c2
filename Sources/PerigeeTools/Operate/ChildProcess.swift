import Glibc
import PerigeeCommandLine

/// A program of the system, run to its end for what it says.
enum ChildProcess {
    struct Answer {
        var code: Int32
        var output: String
    }

    private static let outputLimit = 1 << 20

    /// Runs a program that is found along PATH, without input; its errors are dropped. Throws where there is none.
    static func run(_ name: String, _ words: [String]) throws(CommandFailure) -> Answer {
        let folders = (Terminal.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
        guard let folder = folders.first(where: { access("\($0)/\(name)", X_OK) == 0 }) else {
            throw CommandFailure(.unavailable, "there is no \(name): install it")
        }
        var ends: [Int32] = [-1, -1]
        let errors = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard errors >= 0, pipe(&ends) == 0 else {
            throw CommandFailure(.io, "\(name) cannot be started: \(String(cString: strerror(errno)))")
        }
        // the child has the writing end as its output alone, else the reading one sees no end
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let program = try start("\(folder)/\(name)", words, output: ends[1], errors: errors)
        let output = read(ends[0])
        return Answer(code: program.wait(), output: String(decoding: output, as: UTF8.self))
    }

    /// The descriptors are the child's alone afterwards.
    private static func start(
        _ path: String, _ words: [String], output: Int32, errors: Int32
    ) throws(CommandFailure) -> ChildProgram {
        defer { for descriptor in [output, errors] { close(descriptor) } }
        return try ChildProgram(path, words, output: output, errors: errors)
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
}
