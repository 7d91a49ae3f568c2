/// Why a command line could not be read. Every case names what is wrong; the text ends with the remedy.
public enum UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownOption(String, nearest: String?)
    case unknownCommand(String, nearest: String?, known: [String])
    case missingCommand(known: [String])
    case missingValue(option: String, placeholder: String)
    case unexpectedValue(option: String, value: String)
    case repeated(option: String)
    case missingOption(String, placeholder: String)
    case badValue(name: String, value: String, expected: String)
    case missingPositional(name: String, help: String)
    case unexpectedPositional(String)

    public var description: String {
        switch self {
        case .unknownOption(let name, let nearest):
            "unknown option \(name)" + (nearest.map { ": did you mean --\($0)?" } ?? ": --help lists the options")
        case .unknownCommand(let name, let nearest, let known):
            "unknown command \(name): "
                + (nearest.map { "did you mean \($0)?" } ?? "use one of \(known.joined(separator: ", "))")
        case .missingCommand(let known): "no command is given: use one of \(known.joined(separator: ", "))"
        case .missingValue(let option, let placeholder): "\(option) needs a value: give \(option) \(placeholder)"
        case .unexpectedValue(let option, let value): "\(option) takes no value: leave out =\(value)"
        case .repeated(let option): "\(option) is given twice: give it once"
        case .missingOption(let name, let placeholder): "--\(name) is missing: give --\(name) \(placeholder)"
        case .badValue(let name, let value, let expected): "\(name) is \"\(value)\", \(expected)"
        case .missingPositional(let name, let help): "\(name) is missing: give \(help)"
        case .unexpectedPositional(let value): "unexpected argument \"\(value)\": leave it out, or see --help"
        }
    }
}
