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
