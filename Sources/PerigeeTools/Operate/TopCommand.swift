import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeTransport

/// `perigee top`: the screen of `status`, drawn anew each second.
enum TopCommand {
    static let command = Command(
        "top", summary: "Show how a station or gateway goes, anew each second",
        discussion: [
            "The screen of `perigee status`, and how fast octets come in and go out. q ends it, and so does Ctrl-C. It goes on where the daemon "
                + "starts anew.",
            "With --json it prints the status, a line each second, until it is ended.",
        ],
        options: DaemonAddress.options + [SharedOptions.json],
        examples: [
            Example("perigee top", "The station of this machine"),
            Example("perigee top --json | head -n 60 > minute.jsonl", "A minute for later"),
        ],
        exitCodes: [.data, .unavailable])

    private static let intervalMilliseconds: Int64 = 1_000

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let address = try DaemonAddress(arguments)
        // before the terminal is changed: an error stays to be read
        let first = try address.status()
        StopSignal.watch()
        if arguments.flag("json") {
            return try printLines(address, first)
        }
        guard let terminal = LiveTerminal() else {
            throw CommandFailure(.usage, "top needs a terminal: use `perigee status`, or --json")
        }
        follow(address, first, terminal)
        return .ok
    }

    private static func printLines(_ address: DaemonAddress, _ first: StatusDocument) throws(CommandFailure) -> ExitCode
    {
        var document = first
        while !StopSignal.isSet {
            Terminal.print(document.json.description)
            sleep(until: currentTime().monotonic + intervalMilliseconds)
            guard !StopSignal.isSet else { break }
            document = try address.status()
        }
        return .ok
    }

    private static func follow(
        _ address: DaemonAddress, _ first: StatusDocument, _ terminal: borrowing LiveTerminal
    ) {
        var document: StatusDocument? = first
        var before: StatusDocument?
        var problem = ""
        while !StopSignal.isSet {
            let due = currentTime().monotonic + intervalMilliseconds
            while !StopSignal.isSet, currentTime().monotonic < due {
                draw(document, before, problem, terminal)
                switch terminal.wait(milliseconds: Int(max(due - currentTime().monotonic, 1))) {
                case .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")), .closed: return
                case .key, .other: break
                }
            }
            before = document
            do throws(CommandFailure) { document = try address.status() } catch {
                document = nil
                problem = error.message
            }
        }
    }

    private static func draw(
        _ document: StatusDocument?, _ before: StatusDocument?, _ problem: String, _ terminal: borrowing LiveTerminal
    ) {
        let (columns, rows) = terminal.size
        let isStyled = Terminal.hasColor(.output)
        var screen: ScreenText
        if let document {
            screen = document.screen(
                columns: columns, isStyled: isStyled, rates: before.flatMap { document.rates(since: $0) })
        } else {
            screen = ScreenText(columns: columns, isStyled: isStyled)
            screen.title("perigee top", "no answer", .red)
            screen.line(problem)
        }
        var lines = screen.lines
        if lines.count >= rows { lines = Array(lines.prefix(rows - 2)) + ["… more in a larger window"] }
        lines += Array(repeating: "", count: max(0, rows - 1 - lines.count))
        lines.append(Style.dim.apply("q ends", isOn: isStyled))
        terminal.show(lines)
    }

    private static func sleep(until due: Int64) {
        while !StopSignal.isSet, currentTime().monotonic < due { PauseClock.wait(milliseconds: 50) }
    }
}

extension StatusDocument {
    /// Octets a second of frames in, and of the link in both directions, between two documents of one process.
    func rates(since before: StatusDocument) -> (intake: Double, link: Double)? {
        guard let now = updated, let then = before.updated, now > then, json["started"] == before.json["started"],
            let intake = integer("intake", "bytes"), let intakeBefore = before.integer("intake", "bytes")
        else { return nil }
        let seconds = Double(now.milliseconds - then.milliseconds) / 1_000
        func line(_ document: StatusDocument) -> Int {
            (document.integer("link", "bytes_sent") ?? 0) + (document.integer("link", "bytes_received") ?? 0)
        }
        return (Double(intake - intakeBefore) / seconds, Double(line(self) - line(before)) / seconds)
    }
}
