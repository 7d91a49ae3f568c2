import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeSpool
import PerigeeTransport

/// `perigee spool discard`: asks the daemon to give up frames, by a file in the folder of its spool.
enum SpoolDiscard {
    static let command = Command(
        "discard", summary: "Let the running daemon give up frames that wait, for good",
        discussion: [
            "For what must not be sent, or stands before what is worth more on a thin line. Without --yes it says what would go. Frames go that "
                + "fit all the options; declarations of streams, which later frames need, stay.",
            "The gateway is told that a person did it, so that no hole is without a cause: `perigee archive gaps` lists it as "
                + "discarded, and so does the station's ledger.",
            "Run it as root, or as the user of the daemon, on the machine of the daemon.",
        ],
        options: [
            .value("sensor", .text, as: "NAME", help: "Frames of this sensor"),
            .value(
                "older-than", .integer(0...Int(Int32.max)), as: "SECONDS",
                help: "Frames that were stored so long ago; 0 is all that there are"),
            .value("frames", .text, as: "A-B", help: "Frames by their first and last number, or by one"),
            .flag("yes", help: "Really give them up"),
            SharedOptions.json,
        ],
        positionals: [SpoolCommand.folder],
        examples: [
            Example("sudo perigee spool discard --older-than 86400", "What would it give up of before yesterday?"),
            Example("sudo perigee spool discard --sensor camera-2 --frames 120-180 --yes", "Give these up"),
        ],
        exitCodes: [.unavailable, .io])

    /// How long the daemon may be silent.
    private static let patienceMilliseconds: Int64 = 30_000

    static func run(_ arguments: Arguments, _ directory: String) throws(CommandFailure) -> ExitCode {
        let request = DiscardRequest(
            id: .random(in: 1...UInt64.max), choice: try choice(arguments), isTrial: !arguments.flag("yes"))
        guard SpoolInspection.isHeld(directory) == true else { throw notRunning(directory) }
        do throws(SpoolError) { try request.put(directory) } catch { throw CommandFailure(error) }
        let answer = try wait(request.id, directory, isSilent: arguments.flag("json"))
        let what =
            "\(Table.group(answer.frames)) frames, \(Table.group(answer.packets)) packets of "
            + "\(Table.group(answer.size)) octets"
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "discarded": .bool(!request.isTrial), "frames": .integer(answer.frames),
                    "packets": .integer(answer.packets), "bytes": .integer(answer.size),
                ]).indented)
        } else {
            Terminal.print(
                request.isTrial ? "would give up \(what): repeat it with --yes" : "gave up \(what)")
        }
        return .ok
    }

    private static func choice(_ arguments: Arguments) throws(CommandFailure) -> FrameChoice {
        var choice = FrameChoice(sensor: arguments.text("sensor"))
        if let seconds = arguments.integer("older-than") {
            choice.storedBefore = Timestamp(milliseconds: currentTime().utc.milliseconds - Int64(seconds) * 1_000)
        }
        if let text = arguments.text("frames") {
            guard let numbers = numbers(text) else {
                throw CommandFailure(
                    .usage, "--frames is \"\(text)\", expected the first and the last number, such as 12-40, or one")
            }
            choice.numbers = numbers
        }
        guard choice != FrameChoice() else {
            throw CommandFailure(
                .usage, "say which frames: --sensor, --older-than or --frames; all are --older-than 0")
        }
        return choice
    }

    private static func numbers(_ text: String) -> ClosedRange<UInt64>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last,
            last < 1 << 48
        else { return nil }
        return first...last
    }

    private static func wait(
        _ id: UInt64, _ directory: String, isSilent: Bool
    ) throws(CommandFailure) -> DiscardAnswer {
        var progress = Progress("discard", total: nil, unit: "frames", isSilent: isSilent)
        defer { progress.finish() }
        var last: DiscardAnswer?
        var deadline = currentTime().monotonic + patienceMilliseconds
        while true {
            if let answer = DiscardAnswer.read(directory), answer.id == id {
                if answer.isComplete { return answer }
                if answer != last { deadline = currentTime().monotonic + patienceMilliseconds }
                last = answer
                progress.update(answer.frames)
            }
            guard SpoolInspection.isHeld(directory) == true, currentTime().monotonic < deadline else {
                DiscardRequest.withdraw(directory)
                if SpoolInspection.isHeld(directory) != true { throw notRunning(directory) }
                throw CommandFailure(
                    .unavailable,
                    "the daemon does not answer: see `perigee status`, and what waits, before another try")
            }
            PauseClock.wait(milliseconds: 50)
        }
    }

    private static func notRunning(_ directory: String) -> CommandFailure {
        CommandFailure(
            .unavailable,
            "no daemon that holds \(directory) can be seen: start it (`systemctl start perigeed`), name its folder, or run this "
                + "as root")
    }
}
