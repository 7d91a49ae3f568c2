extension Command {
    /// The reference page of a program in Markdown, made from its tables: `make docs`. `others`: programs behind it on the page.
    public func reference(title: String, introduction: String, others: [Command] = []) -> String {
        var text = "# \(title)\n\n\(introduction)\n"
        for program in [self] + others { text += program.section(path: [program.name], level: 2) }
        text += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n"
        for code in ExitCode.allCases { text += "| \(code.rawValue) | \(code.meaning) |\n" }
        return text
    }

    private func section(path: [String], level: Int) -> String {
        let program = path.joined(separator: " ")
        var text =
            "\n\(String(repeating: "#", count: level)) \(program)\n\n\(summary).\n\n```\n\(usage(program: program))\n```\n"
        for paragraph in discussion { text += "\n\(paragraph)\n" }
        if !subcommands.isEmpty {
            text += "\n| command | what it does |\n|---|---|\n"
            for command in subcommands { text += "| `\(command.name)` | \(command.summary) |\n" }
        }
        if !positionals.isEmpty {
            text += "\n| argument | meaning |\n|---|---|\n"
            for positional in positionals { text += "| `\(positional.synopsis)` | \(positional.help) |\n" }
        }
        if !options.isEmpty {
            text += "\n| option | meaning |\n|---|---|\n"
            for option in options {
                text += "| `\(option.synopsis.drop { $0 == " " })` | \(option.explanation) |\n"
            }
        }
        if !examples.isEmpty {
            text += "\n```sh\n" + examples.map { "\($0.line)  # \($0.meaning)\n" }.joined() + "```\n"
        }
        if subcommands.isEmpty {
            text += "\nExit codes: \(allExitCodes.map { String($0.rawValue) }.joined(separator: ", ")).\n"
        }
        for command in subcommands { text += command.section(path: path + [command.name], level: min(level + 1, 4)) }
        return text
    }
}
