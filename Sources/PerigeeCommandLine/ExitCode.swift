/// How a process says what became of its work. The numbers are those of sysexits.h where it has one.
public enum ExitCode: Int32, CaseIterable, Sendable {
    /// The work is done.
    case ok = 0
    /// `compare`: the images differ by more than what was asked for. `archive verify`: something is damaged. `status`, `doctor`:
    /// something is not as it should be.
    case differs = 1
    /// `status`, `doctor`: something fails.
    case failing = 2
    /// `encode`: the budget cannot be met; the smallest possible size is printed.
    case budget = 3
    /// The command line is wrong.
    case usage = 64
    /// The input is damaged or none of what the command reads.
    case data = 65
    /// A peer, a file or a service that is needed is not there.
    case unavailable = 69
    /// An error of the program itself.
    case `internal` = 70
    /// Reading or writing failed.
    case io = 74
    /// The configuration or the firmware is wrong.
    case config = 78

    /// One line for help and documents.
    public var meaning: String {
        switch self {
        case .ok: "done"
        case .differs: "a check found a difference, damage, or something that is not as it should be"
        case .failing: "a check found something that fails"
        case .budget: "the budget of octets cannot be met; the smallest possible size is printed"
        case .usage: "the command line is wrong"
        case .data: "the input is damaged or not of the expected kind"
        case .unavailable: "a file, peer or service that is needed is not there"
        case .internal: "an error of the program itself"
        case .io: "reading or writing failed"
        case .config: "the configuration, a profile or the firmware is wrong"
        }
    }
}

/// Ends a command with a code and a message that names the field and the remedy.
public struct CommandFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public let code: ExitCode
    public let message: String

    /// A failure; `message` is one line without a full stop at its end.
    public init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
