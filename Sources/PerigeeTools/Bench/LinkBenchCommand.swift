import FoundationEssentials
import PerigeeCommandLine
import PerigeeJSON

/// `perigee bench link`.
enum LinkBenchCommand {
    static let command = Command(
        "link", summary: "How much of a line carries packets, and how long a frame takes until its acknowledgement",
        discussion: [
            "Starts perigee-gateway, and between it and the station's end of the link a relay on loopback that carries so many "
                + "octets a second: 9.6 kbit/s with 2 s of delay, 64 kbit/s, 1 and 10 Mbit/s. Each line gets a backlog for "
                + "--seconds (the first at least 60). DIR is removed afterwards."
        ],
        options: [
            .value("seconds", .number(0.5...600), as: "S", help: "Line time of each backlog", default: "10"),
            .value("frames", .integer(1...100_000), as: "N", help: "Frames whose latency is measured", default: "500"),
            .value(
                "directory", .directory, as: "DIR", help: "A folder to be made for the archives",
                default: "perigee-bench-link"),
            .value("commit", .text, as: "ID", help: "What the result says the program was built from"),
            .value("output", .file, as: "FILE", help: "Write the JSON there"),
            SharedOptions.json,
        ],
        examples: [Example("perigee bench link --output Benchmarks/results/link.json", "About two minutes")],
        exitCodes: [.usage, .unavailable, .io])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        StopSignal.watch()
        let directory = arguments.text("directory") ?? "perigee-bench-link"
        guard !FileOctets.exists(directory) else {
            throw CommandFailure(.usage, "\(directory) is there already: name a folder that is not")
        }
        try FileOctets.makeFolder(directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let seconds = arguments.number("seconds") ?? 10
        let lines: [LinkBench.Line] = [
            .init(rate: 1_200, delayMilliseconds: 2_000, seconds: max(seconds, 60)),
            .init(rate: 8_000, delayMilliseconds: 0, seconds: seconds),
            .init(rate: 125_000, delayMilliseconds: 0, seconds: seconds),
            .init(rate: 1_250_000, delayMilliseconds: 0, seconds: seconds),
        ]
        let result = try LinkBench(
            directory: directory, lines: lines, frames: arguments.integer("frames") ?? 500
        ).run()
        let json = result.json(commit: arguments.text("commit"))
        if let path = arguments.text("output") { try FileOctets.write(Array((json.indented + "\n").utf8), to: path) }
        Terminal.print(arguments.flag("json") ? json.indented : result.text)
        return .ok
    }
}
