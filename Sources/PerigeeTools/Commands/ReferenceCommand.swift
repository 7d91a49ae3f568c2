import PerigeeCommandLine
import PerigeeConfig

/// `perigee reference`: Docs/commands.md and the man pages, out of the option tables.
enum ReferenceCommand {
    static let command = Command(
        "reference", summary: "Print the reference page of all commands (Docs/commands.md), or write man pages",
        options: [
            .value(
                "man", .directory, as: "DIR",
                help: "Write a man page for each command and both daemons into this folder instead"),
            .flag("configuration", help: "The keys of the daemons' files instead (Docs/configuration.md)"),
        ],
        examples: [
            Example("perigee reference > Docs/commands.md", "What `make docs` does"),
            Example("perigee reference --man man && man -l man/perigee-status.1", "Read the page of a command"),
        ],
        exitCodes: [.io])

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        if let folder = arguments.text("man") {
            try FileOctets.makeFolder(folder)
            for (file, text) in PerigeeTool.command.manuals(section: 1) + daemons.flatMap({ $0.manuals(section: 8) }) {
                try FileOctets.write(Array(text.utf8), to: "\(folder)/\(file)")
            }
            return .ok
        }
        if arguments.flag("configuration") {
            Terminal.write(ConfigurationReference.page)
            return .ok
        }
        let introduction =
            "Made by `make docs` from the option tables of the programs; do not edit. Every command prints JSON with `--json`, "
            + "help with `--help`, progress on standard error while work is long, and no colours where `NO_COLOR` is set or "
            + "nobody looks. A command whose reader has gone (`| head`) ends with 0, one whose output meets a full disk with 74. The same "
            + "tables make the man pages (`perigee reference --man DIR`) and the completion of bash and zsh."
        Terminal.write(PerigeeTool.command.reference(title: "Commands", introduction: introduction, others: daemons))
        return .ok
    }

    private static let daemons = [Command.perigeed, Command.perigeeGateway]
}
