import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// The screen of a gateway: itself in a few lines, then its stations.
struct GatewayScreen {
    let document: StatusDocument
    let now: Timestamp

    func text(columns: Int, isStyled: Bool) -> ScreenText {
        var screen = ScreenText(columns: columns, isStyled: isStyled)
        screen.title("gateway \(document.text("endpoint") ?? "")", document.health.rawValue, document.health.style)
        let up = document.time("started").map { Amount.duration(seconds(since: $0)) } ?? "-"
        screen.field(
            "state",
            "\(document.state) for \(up), version \(document.text("version") ?? "-"), memory "
                + "\(Amount.octets(document.integer("memory_bytes"))), "
                + "\(Amount.octets(document.integer("disk_free_bytes"))) free on the disk")
        screen.field(
            "packets",
            "\(group("stored")) filed, \(group("duplicates")) came again, \(group("rejected")) refused, "
                + "\(group("conflicts")) in conflict, \(group("gaps")) missing")
        screen.field(
            "saving",
            "\(Amount.ratio(document.number("saving", "raw_over_link"))) raw; "
                + "\(Amount.octets(document.integer("saving", "link_bytes"))) for "
                + Amount.octets(document.integer("saving", "raw_bytes")))
        screen.field(
            "wants", "\(group("wants", "open")) open, \(group("wants", "done")) done, \(group("wants", "gone")) gone")
        let denied = document.integer("keys", "connections_denied") ?? 0
        screen.field(
            "keys", "\(group("keys", "stations")) stations, \(denied) connections denied", denied > 0 ? .yellow : nil)
        for problem in document.json["keys"]?["problems"]?.items.compactMap(\.string) ?? [] {
            screen.field("", problem, .yellow)
        }
        AlertLines.add(document.alerts, now: now, to: &screen)
        addStations(&screen)
        return screen
    }

    private func addStations(_ screen: inout ScreenText) {
        let stations = document.json["stations"]?.items ?? []
        screen.gap()
        guard !stations.isEmpty else { return screen.line("no station has greeted since the start") }
        var rows: [[String]] = []
        var styles: [Style?] = []
        for station in stations {
            let isConnected = station["connected"] == .bool(true)
            let last = station["last_contact"]?.string.flatMap { Timestamp(rfc3339: $0) }
            rows.append([
                station["name"]?.string ?? "", isConnected ? "here" : "away",
                last.map { Amount.duration(seconds(since: $0)) } ?? "-",
                Table.group(station["backlog_packets"]?.int ?? 0), Table.group(station["gaps"]?.int ?? 0),
                Amount.ratio(station["saving"]?["raw_over_packets"]?.double),
                Amount.duration(station["frame_to_ack_seconds"]?["p50"]?.double),
                Amount.duration(station["frame_to_ack_seconds"]?["p99"]?.double),
            ])
            styles.append(isConnected ? nil : .yellow)
        }
        screen.table(["station", "link", "last", "waiting", "gaps", "codec", "p50", "p99"], rows, styles: styles)
    }

    private func group(_ names: String...) -> String {
        var value: JSONValue? = document.json
        for name in names { value = value?[name] }
        return Table.group(value?.int ?? 0)
    }

    private func seconds(since moment: Timestamp) -> Double { Double(now.milliseconds - moment.milliseconds) / 1_000 }
}
