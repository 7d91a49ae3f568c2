extension Command {
    /// Help of this command for people; `program` is how it is called, for example `perigee archive list`.
    public func help(program: String, isStyled: Bool = false) -> String {
        func heading(_ text: String) -> String { "\n" + Style.bold.apply(text, isOn: isStyled) + "\n" }
        var text = "\(summary).\n"
        text += heading("Usage") + "  \(usage(program: program))\n"
        for paragraph in discussion { text += "\n" + Self.wrap(paragraph, indent: 0) }
        if !subcommands.isEmpty {
            text += heading("Commands") + Self.entries(subcommands.map { ($0.name, $0.summary) })
        }
        if !positionals.isEmpty {
            text += heading("Arguments") + Self.entries(positionals.map { ($0.name, $0.help) })
        }
        text += heading("Options") + Self.entries(allOptions.map { ($0.synopsis, $0.explanation) })
        if !examples.isEmpty {
            text += heading("Examples")
            for example in examples { text += "  # \(example.meaning)\n  \(example.line)\n" }
        }
        if subcommands.isEmpty {
            text += heading("Exit codes") + Self.entries(allExitCodes.map { ("\($0.rawValue)", $0.meaning) })
        } else {
            text += "\n\(program) COMMAND --help explains a command.\n"
        }
        return text
    }

    /// `perigee encode [OPTIONS] IN.tif`
    func usage(program: String) -> String {
        var words = [program]
        if !subcommands.isEmpty { return program + " COMMAND …" }
        if options.contains(where: { !$0.isRequired }) { words.append("[OPTIONS]") }
        words += options.filter(\.isRequired).map { "--\($0.name) \($0.placeholder)" }
        words += positionals.map(\.synopsis)
        return words.joined(separator: " ")
    }

    /// The codes it may end with, ascending.
    var allExitCodes: [ExitCode] {
        Set(exitCodes + [.ok, .usage, .internal]).sorted { $0.rawValue < $1.rawValue }
    }

    private static func entries(_ entries: [(String, String)]) -> String {
        let width = min(26, entries.map { $0.0.count }.max() ?? 0)
        var text = ""
        for (term, meaning) in entries {
            let pad = String(repeating: " ", count: max(0, width - term.count))
            let wrapped = wrap(meaning, indent: width + 4)
            if term.count > width {
                text += "  \(term)\n\(wrapped)"
            } else {
                text += "  \(term)\(pad)  \(wrapped.drop { $0 == " " })"
            }
        }
        return text
    }

    /// `text` in lines of at most 100 columns, each indented, each with an end of line.
    static func wrap(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > 100 {
                lines.append(margin + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(margin + line) }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Option {
    /// Its help with what it may be and what it is where it is not given.
    var explanation: String {
        var notes: [String] = []
        if case .choice(let names) = kind { notes.append("one of " + names.joined(separator: ", ")) }
        if isRequired { notes.append("required") }
        if isRepeated { notes.append("may be given several times") }
        if let defaultValue { notes.append("default \(defaultValue)") }
        return notes.isEmpty ? help : "\(help) (\(notes.joined(separator: "; ")))"
    }
}
