/// What a command line asks for.
public enum Request: Sendable {
    /// Run the command that the arguments name.
    case run(Arguments)
    /// Print the help of the command at this path.
    case help(path: [String])
    /// Print the version.
    case version
}

/// A usage error, with the path of the command whose help would explain it.
public struct ParseFailure: Error, Equatable, Sendable {
    public let error: UsageError
    public let path: [String]
}

extension Command {
    /// Reads the words after the program's name. `--` ends the options; `--name=value`, `--name value`, `-n value` and
    /// `-nvalue` mean the same. Values are checked, defaults stay where nothing is given.
    public func parse(_ words: [String]) throws(ParseFailure) -> Request {
        var command = self
        var path: [String] = []
        var index = 0
        while !command.subcommands.isEmpty {
            guard index < words.count else {
                throw ParseFailure(error: .missingCommand(known: command.subcommands.map(\.name)), path: path)
            }
            let word = words[index]
            if word == "--help" || word == "-h" { return .help(path: path) }
            if word == "--version" { return .version }
            if word == "help", !command.subcommands.contains(where: { $0.name == "help" }) {
                return .help(path: path + known(Array(words[(index + 1)...]), in: command))
            }
            guard let next = command.subcommands.first(where: { $0.name == word }) else {
                let known = command.subcommands.map(\.name)
                let error: UsageError =
                    word.hasPrefix("-")
                    ? .unknownOption(
                        word, nearest: NearestMatch.find(String(word.drop { $0 == "-" }), among: ["help", "version"]))
                    : .unknownCommand(word, nearest: NearestMatch.find(word, among: known), known: known)
                throw ParseFailure(error: error, path: path)
            }
            command = next
            path.append(word)
            index += 1
        }
        let rest = words[index...]
        let beforeEnd = rest.prefix { $0 != "--" }
        do throws(UsageError) {
            var reader = WordReader(command: command, path: path)
            if let arguments = try reader.read(rest) { return .run(arguments) }
        } catch {
            if beforeEnd.contains(where: { $0 == "--help" || $0 == "-h" }) { return .help(path: path) }
            throw ParseFailure(error: error, path: path)
        }
        return beforeEnd.contains { $0 == "--help" || $0 == "-h" } ? .help(path: path) : .version
    }

    /// The command at a path of subcommand names; the last that exists.
    public func command(at path: [String]) -> Command {
        var command = self
        for name in path {
            guard let next = command.subcommands.first(where: { $0.name == name }) else { break }
            command = next
        }
        return command
    }

    private func known(_ words: [String], in command: Command) -> [String] {
        var command = command
        var path: [String] = []
        for word in words {
            guard let next = command.subcommands.first(where: { $0.name == word }) else { break }
            command = next
            path.append(word)
        }
        return path
    }
}

/// Reads the words of one command without subcommands.
private struct WordReader {
    let command: Command
    var arguments: Arguments

    init(command: Command, path: [String]) {
        self.command = command
        arguments = Arguments(path: path, command: command)
    }

    /// nil where help or the version is asked for.
    mutating func read(_ words: ArraySlice<String>) throws(UsageError) -> Arguments? {
        var words = words
        var optionsEnded = false
        while let word = words.popFirst() {
            if optionsEnded || word == "-" || !word.hasPrefix("-") {
                arguments.positionals.append(word)
            } else if word == "--" {
                optionsEnded = true
            } else {
                let (option, value, shown) = try split(word)
                if Command.standardOptions.contains(option) { return nil }
                try take(option, inline: value, shown: shown, from: &words)
            }
        }
        try checkOptions()
        try checkPositionals()
        return arguments
    }

    private func split(_ word: String) throws(UsageError) -> (option: Option, value: String?, shown: String) {
        if word.hasPrefix("--") {
            let body = word.dropFirst(2)
            let equals = body.firstIndex(of: "=")
            let name = String(body[..<(equals ?? body.endIndex)])
            guard let option = command.allOptions.first(where: { $0.name == name }) else {
                let nearest = NearestMatch.find(name, among: command.allOptions.map(\.name))
                throw .unknownOption("--\(name)", nearest: nearest)
            }
            return (option, equals.map { String(body[body.index(after: $0)...]) }, "--\(name)")
        }
        let body = word.dropFirst()
        guard let letter = body.first, let option = command.allOptions.first(where: { $0.short == letter }) else {
            let name = String(body)
            throw .unknownOption(word, nearest: command.allOptions.map(\.name).first { $0 == name })
        }
        let rest = body.dropFirst()
        return (option, rest.isEmpty ? nil : String(rest), "-\(letter)")
    }

    private mutating func take(
        _ option: Option, inline: String?, shown: String, from words: inout ArraySlice<String>
    ) throws(UsageError) {
        guard let kind = option.kind else {
            if let inline { throw .unexpectedValue(option: shown, value: inline) }
            arguments.flags.insert(option.name)
            return
        }
        guard let value = inline ?? words.first, inline != nil || !looksLikeOption(value) else {
            throw .missingValue(option: shown, placeholder: option.placeholder)
        }
        if inline == nil { words.removeFirst() }
        if let expected = kind.problem(with: value) { throw .badValue(name: shown, value: value, expected: expected) }
        if arguments.options[option.name] != nil, !option.isRepeated { throw .repeated(option: shown) }
        arguments.options[option.name, default: []].append(value)
    }

    private func looksLikeOption(_ word: String) -> Bool {
        guard word.hasPrefix("--"), word.utf8.count > 2 else { return word == "--" }
        let name = word.dropFirst(2).prefix { $0 != "=" }
        return command.allOptions.contains { $0.name == name }
    }

    private func checkOptions() throws(UsageError) {
        for option in command.options where option.isRequired && arguments.options[option.name] == nil {
            throw .missingOption(option.name, placeholder: option.placeholder)
        }
    }

    private func checkPositionals() throws(UsageError) {
        var rest = arguments.positionals[...]
        for positional in command.positionals {
            let taken = rest.prefix(positional.count.upperBound)
            guard taken.count >= positional.count.lowerBound else {
                throw .missingPositional(name: positional.name, help: positional.help)
            }
            for value in taken {
                if let expected = positional.kind.problem(with: value) {
                    throw .badValue(name: positional.name, value: value, expected: expected)
                }
            }
            rest = rest.dropFirst(taken.count)
        }
        if let extra = rest.first { throw .unexpectedPositional(extra) }
    }
}
