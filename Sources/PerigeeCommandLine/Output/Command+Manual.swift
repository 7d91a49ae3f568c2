extension Command {
    /// The pages of this program and of all its commands for man(1): name of the file, and groff source in the `man` macros.
    /// `section`: 1 for commands, 8 for daemons.
    public func manuals(section: Int) -> [(file: String, text: String)] { manuals(path: [name], section: section) }

    private func manuals(path: [String], section: Int) -> [(file: String, text: String)] {
        [("\(path.joined(separator: "-")).\(section)", manual(path: path, section: section))]
            + subcommands.flatMap { $0.manuals(path: path + [$0.name], section: section) }
    }

    private func manual(path: [String], section: Int) -> String {
        let page = path.joined(separator: "-"), program = path.joined(separator: " ")
        let titleWords = [page.uppercased(), String(section), "", "Perigee \(Program.releaseVersion)", "Perigee"]
        var text = ".TH \(titleWords.map { "\"\(Roff.text($0))\"" }.joined(separator: " "))\n"
        text += ".SH NAME\n\(Roff.text(page)) \\- \(Roff.text(summary))\n"
        text += ".SH SYNOPSIS\n.B \(Roff.text(program))\n"
        text += Roff.line(String(usage(program: program).dropFirst(program.count + 1)))
        if !discussion.isEmpty {
            text += ".SH DESCRIPTION\n" + discussion.map { Roff.line($0) }.joined(separator: ".PP\n")
        }
        if !subcommands.isEmpty {
            text += ".SH COMMANDS\n"
            for command in subcommands { text += Roff.item(command.name, command.summary) }
        }
        if !positionals.isEmpty {
            text += ".SH ARGUMENTS\n"
            for positional in positionals { text += Roff.item(positional.name, positional.help) }
        }
        text += ".SH OPTIONS\n"
        for option in allOptions { text += Roff.item(String(option.synopsis.drop { $0 == " " }), option.explanation) }
        if subcommands.isEmpty {
            text += ".SH EXIT STATUS\n"
            for code in allExitCodes { text += Roff.item(String(code.rawValue), code.meaning) }
        }
        if !examples.isEmpty {
            text += ".SH EXAMPLES\n"
            for example in examples {
                text += ".PP\n\(Roff.line(example.meaning + ":")).PP\n.RS 4\n.nf\n\(Roff.line(example.line)).fi\n.RE\n"
            }
        }
        return text + seeAlso(path: path, section: section)
    }

    private func seeAlso(path: [String], section: Int) -> String {
        let pages =
            (path.count > 1 ? [path.dropLast().joined(separator: "-")] : [])
            + subcommands.map { (path + [$0.name]).joined(separator: "-") }
        guard !pages.isEmpty else { return "" }
        let references = pages.map { ".BR \(Roff.text($0)) (\(section))" }
        return ".SH SEE ALSO\n" + references.joined(separator: " ,\n") + "\n"
    }
}

/// Text as groff reads it.
enum Roff {
    /// Nothing in it is taken for a request or an escape; hyphens stay the signs that can be copied.
    static func text(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\e"
            case "-": out += "\\-"
            case "\"": out += "\\(dq"
            case "'": out += "\\(aq"
            case "`": out += "\\(ga"
            case "^": out += "\\(ha"
            case "~": out += "\\(ti"
            default:
                if scalar.isASCII {
                    out.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    out += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
                }
            }
        }
        return out
    }

    /// A line of text that begins no request.
    static func line(_ text: String) -> String {
        let escaped = self.text(text)
        return (escaped.hasPrefix(".") ? "\\&" : "") + escaped + "\n"
    }

    /// A term in bold and what it means, indented.
    static func item(_ term: String, _ meaning: String) -> String {
        ".TP\n.B \(text(term))\n\(line(meaning))"
    }
}
