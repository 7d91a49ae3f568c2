import FoundationEssentials
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeSpool

/// `perigee bench`: measures of this machine.
enum BenchCommand {
    static let command = Command(
        "bench", summary: "Measure what this machine gives",
        subcommands: [
            Command(
                "spool", summary: "Durable packets per second, memory and opening time of a spool",
                discussion: [
                    "Packets of 300 octets and frames of 20,000 octets are stored with one commit each, and 64 packets or "
                        + "64 KiB to a commit, taking turns with a plain file that is appended to and synced: what the disk "
                        + "itself gives. Then a spool is filled, and opened anew. DIR is removed afterwards.",
                    "Run it on the disk that the station will use, with nothing else to do.",
                ],
                options: [
                    .value(
                        "size", .octets(1 << 20...1 << 40), as: "SIZE", help: "Quota of the spool that is filled",
                        default: "1Gi"),
                    .value(
                        "seconds", .number(0.05...600), as: "S", help: "Time for each of the 5 rounds of each measure",
                        default: "1"),
                    .value(
                        "directory", .directory, as: "DIR", help: "A folder to be made for the files",
                        default: "perigee-bench-spool"),
                    .value("commit", .text, as: "ID", help: "What the result says the program was built from"),
                    .value("output", .file, as: "FILE", help: "Write the JSON there"),
                    SharedOptions.json,
                ],
                examples: [
                    Example("perigee bench spool", "On the disk of the working directory, about a minute"),
                    Example("perigee bench spool --size 64Mi --seconds 0.2 --json", "A quick look"),
                ],
                exitCodes: [.usage, .unavailable, .io]),
            LinkBenchCommand.command,
            SeriesBenchCommand.command,
        ])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        arguments.path == ["bench", "link"] ? try LinkBenchCommand.run(arguments) : try runSpool(arguments)
    }

    private static func runSpool(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let directory = arguments.text("directory") ?? "perigee-bench-spool"
        guard !FileOctets.exists(directory) else {
            throw CommandFailure(.usage, "\(directory) is there already: name a folder that is not")
        }
        try FileOctets.makeFolder(directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let result: SpoolBench.Result
        do throws(SpoolError) {
            result = try SpoolBench(
                directory: directory, quota: arguments.integer("size") ?? 1 << 30,
                seconds: arguments.number("seconds") ?? 1
            ).run()
        } catch {
            throw CommandFailure(error)
        }
        let json = result.json(commit: arguments.text("commit"))
        if let path = arguments.text("output") { try FileOctets.write(Array((json.indented + "\n").utf8), to: path) }
        if arguments.flag("json") {
            Terminal.print(json.indented)
        } else {
            Terminal.print(result.text)
        }
        return .ok
    }
}
