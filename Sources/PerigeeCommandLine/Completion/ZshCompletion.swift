extension Command {
    /// A completion script for zsh: `perigee completion zsh > ~/.zfunc/_perigee`.
    public func zshCompletion() -> String {
        var functions = ""
        zshFunction(path: [name], into: &functions)
        return "#compdef \(name)\n\n\(functions)\n_\(name) \"$@\"\n"
    }

    private func zshFunction(path: [String], into text: inout String) {
        let function = "_" + path.joined(separator: "_")
        text += "\(function)() {\n"
        if subcommands.isEmpty {
            text += "    _arguments -s \\\n"
            var specs = allOptions.flatMap(\.zshSpecs)
            for positional in positionals {
                let many = positional.count.upperBound > 1
                specs.append("'\(many ? "*:" : ":")\(positional.name):\(positional.kind.zshAction)'")
            }
            text += specs.map { "        \($0)" }.joined(separator: " \\\n") + "\n}\n"
            return
        }
        text += "    local -a commands\n    commands=(\n"
        for command in subcommands { text += "        '\(command.name):\(Self.zshQuoted(command.summary))'\n" }
        text += "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
        text += "    local name=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $name in\n"
        for command in subcommands { text += "        \(command.name)) \(function)_\(command.name) ;;\n" }
        text += "    esac\n}\n"
        for command in subcommands { command.zshFunction(path: path + [command.name], into: &text) }
    }

    static func zshQuoted(_ text: String) -> String {
        text.map { character in
            switch character {
            case "'": "'\\''"
            case "[", "]", ":": "\\\(character)"
            default: String(character)
            }
        }.joined()
    }
}

extension Option {
    fileprivate var zshSpecs: [String] {
        let names = (short.map { ["-\($0)"] } ?? []) + ["--\(name)"]
        return names.map { name in
            var spec = "'" + (isRepeated ? "*" : "") + name + (kind != nil && name.hasPrefix("--") ? "=" : "")
            spec += "[\(Command.zshQuoted(help))]"
            if let kind { spec += ":\(placeholder):\(kind.zshAction)" }
            return spec + "'"
        }
    }
}

extension ValueKind {
    fileprivate var zshAction: String {
        switch self {
        case .file: "_files"
        case .directory: "_files -/"
        case .choice(let names): "(\(names.joined(separator: " ")))"
        case .text, .integer, .number, .octets, .datetime: " "
        }
    }
}
