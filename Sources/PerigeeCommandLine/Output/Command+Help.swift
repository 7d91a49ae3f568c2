extension Command {
    /// Help of this command for people, in lines of at most `columns` columns; examples are never broken, so that they can be
    /// copied. `program` is how it is called, for example `perigee archive list`.
    public func help(program: String, isStyled: Bool = false, columns: Int = 100) -> String {
        func heading(_ text: String) -> String { "\n" + Style.bold.apply(text, isOn: isStyled) + "\n" }
        func entries(_ entries: [(String, String)]) -> String { Self.entries(entries, columns: columns) }
        var text = Self.wrap("\(summary).", indent: 0, columns: columns)
        text += heading("Usage") + Self.wrap(usage(program: program), indent: 2, columns: columns)
        for paragraph in discussion { text += "\n" + Self.wrap(paragraph, indent: 0, columns: columns) }
        if !subcommands.isEmpty { text += heading("Commands") + entries(subcommands.map { ($0.name, $0.summary) }) }
        if !positionals.isEmpty { text += heading("Arguments") + entries(positionals.map { ($0.name, $0.help) }) }
        text += heading("Options") + entries(allOptions.map { ($0.synopsis, $0.explanation) })
        if !examples.isEmpty {
            text += heading("Examples")
            for example in examples {
                text += Self.wrap("# \(example.meaning)", indent: 2, columns: columns) + "  \(example.line)\n"
            }
        }
        if subcommands.isEmpty {
            text += heading("Exit codes") + entries(allExitCodes.map { ("\($0.rawValue)", $0.meaning) })
        } else {
            text += "\n" + Self.wrap("\(program) COMMAND --help explains a command.", indent: 0, columns: columns)
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

    private static func entries(_ entries: [(String, String)], columns: Int) -> String {
        // on a narrow terminal most terms stand on a line of their own
        let width = min(columns < 60 ? 4 : 26, entries.map { $0.0.count }.max() ?? 0)
        var text = ""
        for (term, meaning) in entries {
            let pad = String(repeating: " ", count: max(0, width - term.count))
            let wrapped = wrap(meaning, indent: width + 4, columns: columns)
            if term.count > width {
                text += "  \(term)\n\(wrapped)"
            } else {
                text += "  \(term)\(pad)  \(wrapped.drop { $0 == " " })"
            }
        }
        return text
    }

    /// `text` in lines of at most `columns` columns, each indented, each with an end of line. A longer word stands alone.
    public static func wrap(_ text: String, indent: Int, columns: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > columns {
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
