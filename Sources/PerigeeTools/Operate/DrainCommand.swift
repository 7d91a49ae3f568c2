import Glibc
import PerigeeCommandLine
import PerigeeJSON
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// `perigee drain`: lets a station deliver everything and take nothing new.
enum DrainCommand {
    static let command = Command(
        "drain", summary: "Let a station take no more frames and deliver what it has",
        discussion: [
            "Sends SIGUSR1 to the daemon that the status names, and waits until it says `drained`: its intake is closed, its link goes on. "
                + "Sources of pull and acknowledged intakes keep their frames meanwhile; what a pub sends is lost. Then the machine can be "
                + "turned off or moved, or its spool thrown away, and nothing is missing.",
            "With --resume it sends SIGHUP, and the station takes frames again. So does a restart.",
            "Run it as root, or as the user of the daemon, on the machine of the daemon.",
        ],
        options: DaemonAddress.options + [
            .value(
                "wait", .integer(0...604_800), as: "SECONDS",
                help: "End with 69 when it is not drained by then; it goes on draining", default: "3600"),
            .flag("resume", help: "Take frames again instead"), SharedOptions.json,
        ],
        examples: [
            Example("sudo perigee drain && sudo systemctl stop perigeed", "Before a station is moved"),
            Example("sudo perigee drain --resume", "Go on with it after all"),
        ],
        exitCodes: [.data, .unavailable])

    /// How long the daemon may take to say in its status what the signal did.
    private static let answerMilliseconds: Int64 = 30_000

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let address = try DaemonAddress(arguments)
        let resumes = arguments.flag("resume")
        let document = try address.status()
        guard !document.isGateway else {
            throw CommandFailure(.usage, "that is a gateway: only stations are drained, name one with --url or --file")
        }
        try send(resumes ? SIGHUP : SIGUSR1, document)
        StopSignal.watch()
        let wait = Int64(arguments.integer("wait") ?? 0) * 1_000
        let last =
            try resumes
            ? follow(address, until: ["running"], milliseconds: answerMilliseconds, isJSON: true)
            : follow(address, until: ["drained"], milliseconds: wait, isJSON: arguments.flag("json"))
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "state": .string(last.state), "backlog_packets": .integer(last.integer("backlog", "packets") ?? 0),
                ]).indented)
        } else {
            Terminal.print(
                resumes
                    ? "station \(last.name) takes frames again"
                    : "station \(last.name) is drained: everything that it took is at the gateway")
        }
        return .ok
    }

    /// Only to a process that is a station's daemon: the number may have gone to another one since.
    private static func send(_ number: Int32, _ document: StatusDocument) throws(CommandFailure) {
        guard let process = document.processID else {
            throw CommandFailure(.data, "the status names no pid: use the `perigee` of the daemon's own package")
        }
        let name = (FileOctets.text("/proc/\(process)/comm") ?? "").split(separator: "\n").first ?? ""
        guard name == "perigeed" else {
            throw CommandFailure(
                .unavailable,
                "process \(process) is no perigeed\(name.isEmpty ? "" : " but \(LogText.escaped(String(name)))"): run it on the "
                    + "machine of the daemon")
        }
        guard kill(process, number) == 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(.unavailable, "process \(process) cannot be told: \(reason): run it as root")
        }
    }

    /// Waits for one of the states; answers the status that says it.
    private static func follow(
        _ address: DaemonAddress, until states: [String], milliseconds: Int64, isJSON: Bool
    ) throws(CommandFailure) -> StatusDocument {
        let deadline = currentTime().monotonic + milliseconds
        var progress = Progress("drain", total: nil, unit: "packets wait", isSilent: isJSON)
        defer { progress.finish() }
        while true {
            let document = try address.status()
            if states.contains(document.state) { return document }
            let left = document.integer("backlog", "packets") ?? 0
            progress.update(left)
            guard currentTime().monotonic < deadline, !StopSignal.isSet else {
                throw CommandFailure(
                    .unavailable,
                    "the station is \(document.state), \(left) packets wait: it goes on, ask again with `perigee status`"
                )
            }
            PauseClock.wait(milliseconds: 200)
        }
    }
}
