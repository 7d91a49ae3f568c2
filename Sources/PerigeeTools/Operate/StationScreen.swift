import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// The screen of a station: what matters first, alerts before sensors.
struct StationScreen {
    let document: StatusDocument
    let now: Timestamp
    /// Octets a second that were received from sensors and sent over the link since the screen before; nil on the first.
    var rates: (intake: Double, link: Double)?

    func text(columns: Int, isStyled: Bool) -> ScreenText {
        var screen = ScreenText(columns: columns, isStyled: isStyled)
        screen.title("station \(document.name)", document.health.rawValue, document.health.style)
        addState(&screen)
        addLink(&screen)
        addFrames(&screen)
        addWaiting(&screen)
        addSaving(&screen)
        screen.field("firmware", firmware)
        addAlerts(&screen)
        addSensors(&screen)
        return screen
    }

    private func addState(_ screen: inout ScreenText) {
        let up = document.time("started").map { Amount.duration(seconds(since: $0)) } ?? "-"
        var words = [
            "\(document.state) for \(up)", "version \(document.text("version") ?? "-")",
            "memory \(Amount.octets(document.integer("memory_bytes")))",
        ]
        if let process = document.processID { words.append("pid \(process)") }
        screen.field("state", words.joined(separator: ", "), document.state == "running" ? nil : .yellow)
        if let error = document.text("configuration", "last_error") {
            screen.field("config", "not reloaded: \(error)", .yellow)
        }
        if document.json["clock"]?["synchronised"] == .bool(false) {
            screen.field("clock", "not synchronised: times of frames cannot be trusted", .yellow)
        }
    }

    private func addLink(_ screen: inout ScreenText) {
        let state = document.text("link", "state") ?? "-"
        var words = ["\(state) with \(document.text("link", "gateway") ?? "-")"]
        if let last = document.time("link", "last_acknowledgement") {
            words.append("acknowledged \(Amount.duration(seconds(since: last))) ago")
        } else {
            words.append("nothing acknowledged yet")
        }
        if let trip = document.integer("link", "rtt_ms") { words.append("\(trip) ms") }
        if let rate = document.number("link", "bits_per_second") { words.append(Amount.rate(bitsPerSecond: rate)) }
        if let rates { words.append("now \(Amount.rate(bitsPerSecond: rates.link * 8))") }
        screen.field("link", words.joined(separator: ", "), ["live", "throttled"].contains(state) ? nil : .yellow)
        if state != "live", let error = document.text("link", "last_error") { screen.field("", error, .yellow) }
    }

    private func addFrames(_ screen: inout ScreenText) {
        let ledger = document.json["ledger"]
        func count(_ name: String) -> Int { ledger?[name]?.int ?? 0 }
        func sum(_ name: String) -> Int { ledger?[name]?.members.reduce(0) { $0 + ($1.value.int ?? 0) } ?? 0 }
        var words = ["\(Table.group(count("received"))) received", "\(Table.group(count("delivered"))) delivered"]
        for (count, name) in [
            (count("waiting"), "waiting"), (count("in_work"), "in work"), (sum("rejected"), "refused"),
            (sum("dropped"), "dropped"), (count("quarantined"), "quarantined"),
            (document.integer("intake", "missed") ?? 0, "never came"), (count("lost_at_crash"), "lost at a crash"),
        ] where count > 0 { words.append("\(Table.group(count)) \(name)") }
        if let rates { words.append("now \(Amount.octets(Int(rates.intake)))/s in") }
        screen.field("frames", words.joined(separator: ", "))
        if ledger?["balanced"] == .bool(false) {
            screen.field("", "the ledger does not balance: keep the log and tell us", .red)
        }
    }

    private func addWaiting(_ screen: inout ScreenText) {
        let packets = document.integer("backlog", "packets") ?? 0
        var words = ["nothing waits"]
        if packets > 0 {
            words = [
                "\(Table.group(packets)) packets, \(Amount.octets(document.integer("backlog", "bytes")))",
                "drained in \(document.number("backlog", "drain_seconds").map { Amount.duration($0) } ?? "an unknown time")",
            ]
            if let oldest = document.time("backlog", "oldest") {
                words.append("oldest \(Amount.duration(seconds(since: oldest)))")
            }
        }
        screen.field("waiting", words.joined(separator: ", "))
        words = [
            "\(Amount.octets(document.integer("spool", "used_bytes"))) of "
                + Amount.octets(document.integer("spool", "quota_bytes")),
            "\(Amount.octets(document.integer("spool", "disk_free_bytes"))) free on the disk",
        ]
        if let full = document.number("backlog", "full_seconds") { words.append("full in \(Amount.duration(full))") }
        screen.field("spool", words.joined(separator: ", "))
        if document.json["spool"]?["full"] == .bool(true) { screen.field("", "the disk is full", .red) }
        if let failure = document.text("spool", "failure") { screen.field("", failure, .red) }
    }

    /// Of raw octets over all octets of the link; zstd stands for what a lossless packer would have needed.
    private func addSaving(_ screen: inout ScreenText) {
        for (label, name, period) in [
            ("saving", "total", "in all"), ("", "day", "last day"), ("", "hour", "last hour"),
        ] {
            guard let saving = document.json["saving"]?[name] else { continue }
            screen.field(
                label,
                "\(period): \(Amount.ratio(saving["raw_over_link"]?.double)) raw, "
                    + "\(Amount.ratio(saving["native_over_link"]?.double)) native, "
                    + "\(Amount.ratio(saving["zstd_over_link"]?.double)) zstd; "
                    + "\(Amount.octets(saving["link_bytes"]?.int)) for \(Amount.octets(saving["raw_bytes"]?.int))")
        }
    }

    private var firmware: String {
        let name = document.text("firmware", "name") ?? "-"
        let trial = document.json["firmware"]?["trial"].map { $0 == .null ? "" : ", on trial" } ?? ""
        return "\(name) \(document.text("firmware", "id") ?? "")\(trial)"
    }

    private func addAlerts(_ screen: inout ScreenText) {
        AlertLines.add(document.alerts, now: now, to: &screen)
    }

    private func addSensors(_ screen: inout ScreenText) {
        let sensors = document.json["sensors"]?.members ?? []
        guard !sensors.isEmpty else { return }
        screen.gap()
        var rows: [[String]] = []
        var styles: [Style?] = []
        for member in sensors {
            let sensor = member.value
            let mark = sensor["mark"]?.string
            let last = sensor["last_frame"]?.string.flatMap { Timestamp(rfc3339: $0) }
            rows.append([
                member.name, mark ?? "-", last.map { Amount.duration(seconds(since: $0)) } ?? "-",
                Table.group(sensor["received"]?.int ?? 0), Amount.ratio(sensor["raw_over_packets"]?.double),
                Table.group(sensor["missed"]?.int ?? 0), Table.group(sensor["dropped"]?.int ?? 0),
            ])
            styles.append(mark == "live" || mark == nil ? nil : .yellow)
        }
        screen.table(["sensor", "mark", "last", "frames", "codec", "missed", "dropped"], rows, styles: styles)
    }

    private func seconds(since moment: Timestamp) -> Double { Double(now.milliseconds - moment.milliseconds) / 1_000 }
}

/// Alerts as every screen shows them: what pages somebody first.
enum AlertLines {
    static func add(_ alerts: [StatusDocument.Alert], now: Timestamp, to screen: inout ScreenText) {
        guard !alerts.isEmpty else { return }
        screen.gap()
        let sorted = alerts.filter { $0.severity == "page" } + alerts.filter { $0.severity != "page" }
        for alert in sorted {
            let since = alert.since.map {
                ", for \(Amount.duration(Double(now.milliseconds - $0.milliseconds) / 1_000))"
            }
            screen.line(
                "\(alert.severity) \(alert.name)\(since ?? ""): \(alert.text): \(alert.remedy)",
                alert.severity == "page" ? .red : .yellow)
        }
    }
}
