import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeTransport

/// `perigee tap`: what happens to frames and packets, as it happens.
enum TapCommand {
    static let command = Command(
        "tap", summary: "Print what happens to frames, link and firmware, as it happens",
        discussion: [
            "Follows the daemon's ring of events: frames stored, delivered, dropped and refused, surprises, the link, configuration, firmware "
                + "and alerts. It ends with Ctrl-C, or with 69 when the daemon does. Over HTTP only.",
            "With --json each event is a line of JSON, as Docs/status.md section 5 says.",
        ],
        options: [
            DaemonAddress.url, DaemonAddress.tokenFile,
            .value("past", .integer(0...1_024), as: "N", help: "Begin with the last N events", default: "10"),
            SharedOptions.json,
        ],
        examples: [
            Example("perigee tap", "Follow the station of this machine"),
            Example("perigee tap --json | grep frame_rejected", "Only what was refused"),
        ],
        exitCodes: [.data, .unavailable])

    private static let intervalMilliseconds: Int64 = 500

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let address = try DaemonAddress(arguments, hasFile: false)
        let isJSON = arguments.flag("json")
        StopSignal.watch()
        var ring = try EventRing(address.json("/events.json"))
        var events = Array(ring.events.suffix(arguments.integer("past") ?? 0))
        var last = ring.last
        while true {
            for event in events { show(event, isJSON: isJSON) }
            let due = currentTime().monotonic + intervalMilliseconds
            while !StopSignal.isSet, currentTime().monotonic < due { PauseClock.wait(milliseconds: 50) }
            guard !StopSignal.isSet else { return .ok }
            let next = try EventRing(address.json("/events.json?after=\(last)"))
            if next.boot != ring.boot {
                note("the daemon started anew")
                // its numbers begin again, and all of them are new
                let all = try EventRing(address.json("/events.json"))
                (events, last) = (all.events, all.last)
            } else {
                if next.first > last + 1 { note("\(next.first - last - 1) events came too fast and were missed") }
                events = next.events.filter { $0["n"]?.int ?? 0 > last }
                last = max(last, next.last)
            }
            ring = next
        }
    }

    /// To standard error, so that what goes to a file is events alone.
    private static func note(_ text: String) { Terminal.print("perigee: \(text)", to: .error) }

    private static func show(_ event: JSONValue, isJSON: Bool) {
        guard !isJSON else { return Terminal.print(event.description) }
        let kind = event["kind"]?.string ?? "unknown"
        let fields = event.members.filter { !["n", "time", "kind"].contains($0.name) }.map { member in
            "\(member.name)=\(member.value.string ?? member.value.description)"
        }
        // 17:30:10.100 of the moment's text
        let time = (event["time"]?.string ?? "").split(separator: "T").last.map { $0.prefix(12) } ?? ""
        let columns = Terminal.size(.output)?.columns ?? .max
        var screen = ScreenText(columns: columns, isStyled: Terminal.hasColor(.output))
        screen.line("\(time) \(kind) \(fields.joined(separator: " "))", style(kind))
        Terminal.write(screen.text)
    }

    private static func style(_ kind: String) -> Style? {
        switch kind {
        case "frame_dropped", "frame_rejected", "frame_quarantined", "alert": .yellow
        case "surprise", "link", "station", "configuration", "firmware": .cyan
        default: nil
        }
    }
}

/// What `/events.json` says: Docs/status.md section 5.
private struct EventRing {
    let boot: String
    let first: Int
    let last: Int
    let events: [JSONValue]

    init(_ json: JSONValue) throws(CommandFailure) {
        guard json["v"]?.int == StatusDocument.version, let boot = json["boot"]?.string, let last = json["last"]?.int
        else {
            throw CommandFailure(
                .data, "its events are not those of version \(StatusDocument.version): use the `perigee` of its package"
            )
        }
        self.boot = boot
        self.last = last
        first = json["first"]?.int ?? 0
        events = json["events"]?.items ?? []
    }
}
