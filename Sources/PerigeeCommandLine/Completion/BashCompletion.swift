extension Command {
    /// A completion script for bash 4.2 or later: `source <(perigee completion bash)`.
    public func bashCompletion() -> String {
        let function = "_" + name.map { $0 == "-" ? "_" : String($0) }.joined()
        var cases = ""
        bashCases(path: name, into: &cases)
        return """
            # bash completion of \(name)
            \(function)() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path=\(name) word index
                COMPREPLY=()
                for ((index = 1; index < COMP_CWORD; index++)); do
                    word=${COMP_WORDS[index]}
                    case "$path $word" in
            \(bashPaths(path: name).map { "            '\($0)') path='\($0)' ;;" }.joined(separator: "\n"))
                    esac
                done
                case "$path" in
            \(cases)    esac
            }
            complete -o bashdefault -F \(function) \(name)

            """
    }

    private func bashPaths(path: String) -> [String] {
        let own = subcommands.flatMap { ["\(path) \($0.name)"] + $0.bashPaths(path: "\(path) \($0.name)") }
        return own.isEmpty && !path.contains(" ") ? ["\(path) "] : own
    }

    private func bashCases(path: String, into text: inout String) {
        text += "        '\(path)')\n"
        let valued = allOptions.filter { $0.kind != nil }
        if !valued.isEmpty {
            text += "            case \"$previous\" in\n"
            for option in valued {
                let names = (option.short.map { ["-\($0)"] } ?? []) + ["--\(option.name)"]
                text += "                \(names.joined(separator: "|"))) \(option.kind?.bashReply ?? ""); return ;;\n"
            }
            text += "            esac\n"
        }
        let words = subcommands.map(\.name) + allOptions.map { "--\($0.name)" }
        text += "            COMPREPLY=($(compgen -W '\(words.joined(separator: " "))' -- \"$current\"))\n"
        if let positional = positionals.last {
            text += "            [[ $current == -* ]] || { \(positional.kind.bashReply); }\n"
        }
        text += "            ;;\n"
        for command in subcommands { command.bashCases(path: "\(path) \(command.name)", into: &text) }
    }
}

extension ValueKind {
    fileprivate var bashReply: String {
        switch self {
        case .file: "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))"
        case .directory: "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\"))"
        case .choice(let names): "COMPREPLY=($(compgen -W '\(names.joined(separator: " "))' -- \"$current\"))"
        case .text, .integer, .number, .octets, .datetime: "COMPREPLY=()"
        }
    }
}
