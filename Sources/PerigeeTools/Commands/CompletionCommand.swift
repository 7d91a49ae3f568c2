import PerigeeCommandLine

/// `perigee completion`: the script that makes a shell know the commands.
enum CompletionCommand {
    static let command = Command(
        "completion", summary: "Print a completion script for a shell",
        positionals: [Positional("SHELL", .choice(["bash", "zsh"]), help: "bash or zsh")],
        examples: [
            Example("source <(perigee completion bash)", "Complete in this bash"),
            Example("perigee completion zsh > ~/.zfunc/_perigee", "Complete in zsh, with ~/.zfunc in fpath"),
        ])

    static func run(_ arguments: Arguments) -> ExitCode {
        let command = PerigeeTool.command
        Terminal.write(arguments.positionals == ["zsh"] ? command.zshCompletion() : command.bashCompletion())
        return .ok
    }
}

/// `perigee reference`: Docs/commands.md out of the option tables.
enum ReferenceCommand {
    static let command = Command(
        "reference", summary: "Print the reference page of all commands (Docs/commands.md)",
        examples: [Example("perigee reference > Docs/commands.md", "What `make docs` does")])

    static func run() -> ExitCode {
        Terminal.write(
            PerigeeTool.command.reference(
                title: "Commands",
                introduction:
                    "Made by `make docs` from the option tables of the program; do not edit. Every command prints "
                    + "JSON with `--json`, help with `--help`, progress on standard error while work is long, and no colours "
                    + "where `NO_COLOR` is set or nobody looks."))
        return .ok
    }
}
