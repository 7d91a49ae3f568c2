import PerigeeCommandLine
import PerigeeCore
import PerigeeSpool

/// `perigee spool`: a look into a spool that no daemon holds.
enum SpoolCommand {
    static let usualFolder = "/var/lib/perigee/spool"
    static let folder = Positional(
        "DIR", .directory, count: 0...1, help: "the folder of the spool; else \(usualFolder)")

    static let command = Command(
        "spool",
        summary: "Look into a station's spool while its daemon is stopped, take packets out, or give frames up",
        subcommands: [
            Command(
                "ls", summary: "List what a spool holds: epochs, ledger, frames that wait, holes",
                discussion: [
                    "Changes nothing. A spool that a daemon holds is refused: `perigee status` tells of that one.",
                    "With --quarantine it lists the packets that the gateway refused or the disk damaged; with --json each "
                        + "with its octets in hexadecimal.",
                ],
                options: [
                    .flag("quarantine", help: "List the quarantine instead"),
                    .value("limit", .integer(1...1_000_000), as: "N", help: "The most lines to print", default: "1000"),
                    SharedOptions.json,
                ], positionals: [folder],
                examples: [
                    Example("perigee spool ls", "After the station was stopped"),
                    Example("perigee spool ls --quarantine /mnt/disk/spool", "Which packets were refused, and why"),
                ],
                exitCodes: [.data, .unavailable, .io]),
            Command(
                "verify", summary: "Read every row of a spool and say what is damaged",
                discussion: [
                    "Compares each row with its checksum, the file's totals with its rows, and lets SQLite look at the file. Changes nothing: "
                        + "the daemon mends at its start what can be mended."
                ],
                options: [SharedOptions.json], positionals: [folder],
                examples: [Example("perigee spool verify", "1 where something is damaged")],
                exitCodes: [.differs, .data, .unavailable, .io]),
            Command(
                "export", summary: "Write the packets that wait to a file, which `perigee replay` delivers",
                discussion: [
                    "For a station that cannot deliver by itself any more: its packets keep their epochs and numbers, so that none is "
                        + "filed twice whoever else delivers them. Changes nothing in the spool."
                ],
                options: [
                    .value("output", short: "o", .file, as: "FILE", help: "Write the packets here", isRequired: true),
                    SharedOptions.json,
                ], positionals: [folder],
                examples: [
                    Example("perigee spool export -o station.packets", "From the disk of this station"),
                    Example(
                        "perigee spool export -o old.packets /mnt/disk/perigee/spool", "From a disk of another one"),
                ],
                exitCodes: [.differs, .data, .unavailable, .io]),
            SpoolDiscard.command,
        ])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        let directory = arguments.positionals.first ?? usualFolder
        let isJSON = arguments.flag("json")
        if arguments.path.last == "discard" { return try SpoolDiscard.run(arguments, directory) }
        do {
            let spool = try SpoolInspection(directory)
            switch arguments.path.last {
            case "verify": return SpoolListing.verification(try spool.check(), isJSON: isJSON)
            case "export": return try SpoolExport.run(spool, to: arguments.text("output") ?? "", isJSON: isJSON)
            default:
                let limit = arguments.integer("limit") ?? 1_000
                if arguments.flag("quarantine") {
                    try SpoolListing.quarantine(spool, limit: limit, isJSON: isJSON)
                } else {
                    try SpoolListing.contents(spool, limit: limit, isJSON: isJSON)
                }
                return .ok
            }
        } catch let error as SpoolError {
            throw CommandFailure(error)
        }
    }
}

extension CommandFailure {
    /// A spool that could not be opened or read.
    init(_ error: SpoolError) {
        let code: ExitCode =
            switch error {
            case .held, .unknownEpoch: .unavailable
            case .file(operation: "open", _, _): .unavailable
            case .damaged, .version: .data
            case .configuration: .config
            case .file, .database, .unknownFate, .failedBefore, .full: .io
            }
        self.init(code, "\(error)")
    }
}
