public import PerigeeCommandLine

/// The program `perigee`: its commands, and what runs them.
public enum PerigeeTool {
    /// The table of all commands.
    public static let command = Command(
        "perigee", summary: "Reduce satellite images to short embedded streams, and rebuild them",
        subcommands: [
            EncodeCommand.command, DecodeCommand.command, InfoCommand.command, CompareCommand.command,
            PublishCommand.command, SimulateCommand.command, ArchiveCommand.command, SpoolCommand.command,
            KeysCommand.command, RenderCommand.command, FirmwareCommand.command, DemoCommand.command,
            BenchCommand.command, CompletionCommand.command, ReferenceCommand.command,
            StatusCommand.command, DoctorCommand.command, TopCommand.command, TapCommand.command,
            DrainCommand.command, ReplayCommand.command,
        ])

    /// Runs what the arguments name. Throws `CommandFailure`.
    public static func run(_ arguments: Arguments) async throws -> ExitCode {
        switch arguments.path {
        case ["encode"], ["decode"], ["compare"], ["publish"], ["render"], ["demo"], ["bench", "series"]:
            try ImageryProgram.run(arguments)
        case ["simulate"]:
            // only files need rasters: frames are made and sent without
            if arguments.text("output") == nil {
                try await SimulateCommand.run(arguments, write: nil)
            } else {
                try ImageryProgram.run(arguments)
            }
        case ["info"]: try InfoCommand.run(arguments)
        case let path where path.first == "archive": try ArchiveCommand.run(arguments)
        case let path where path.first == "keys": try KeysCommand.run(arguments)
        case let path where path.first == "firmware": try FirmwareCommand.run(arguments)
        case let path where path.first == "spool": try SpoolCommand.run(arguments)
        case let path where path.first == "bench": try BenchCommand.run(arguments)
        case ["status"]: try StatusCommand.run(arguments)
        case ["doctor"]: try DoctorCommand.run(arguments)
        case ["top"]: try TopCommand.run(arguments)
        case ["tap"]: try TapCommand.run(arguments)
        case ["drain"]: try DrainCommand.run(arguments)
        case ["replay"]: try ReplayCommand.run(arguments)
        case ["completion"]: CompletionCommand.run(arguments)
        default: try ReferenceCommand.run(arguments)
        }
    }
}
