import Glibc
import PerigeeCore

/// A command with its version: what a main reads its arguments with.
public struct Program: Sendable {
    /// Version of every Perigee binary, as `--version` prints it.
    public static let releaseVersion = Release.version

    public let command: Command

    /// A program whose name is the command's.
    public init(_ command: Command) { self.command = command }

    /// Reads `words` (the arguments after the program's name). Help and version are printed and end the process with 0,
    /// a wrong line ends it with 64 and says what is wrong and what was probably meant.
    public func argumentsOrExit(_ words: [String]) -> Arguments {
        do {
            switch try command.parse(words) {
            case .run(let arguments): return arguments
            case .version: Terminal.print("\(command.name) \(Self.releaseVersion)")
            case .help(let path):
                let text = command.command(at: path).help(
                    program: ([command.name] + path).joined(separator: " "), isStyled: Terminal.hasColor(.output),
                    columns: min(100, Terminal.size(.output)?.columns ?? 100))
                Terminal.write(text)
            }
            exit(ExitCode.ok.rawValue)
        } catch {
            report("\(error.error)")
            let program = ([command.name] + error.path).joined(separator: " ")
            Terminal.print("\(program) --help explains it", to: .error)
            exit(ExitCode.usage.rawValue)
        }
    }

    /// Prints `perigee: message` on standard error.
    public func report(_ message: String) {
        let name = Style.red.apply("\(command.name):", isOn: Terminal.hasColor(.error))
        Terminal.print("\(name) \(message)", to: .error)
    }

    /// Runs `body` and ends the process: with the code it returns, with the code of a `CommandFailure` it throws, or with
    /// `internal` for any other error.
    public func finish(_ body: () async throws -> ExitCode) async -> Never {
        do {
            exit(try await body().rawValue)
        } catch let failure as CommandFailure {
            report(failure.message)
            exit(failure.code.rawValue)
        } catch {
            report("\(error)")
            exit(ExitCode.internal.rawValue)
        }
    }
}
