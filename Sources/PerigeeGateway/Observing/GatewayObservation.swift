internal import Glibc
internal import PerigeeCore
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeMetrics
internal import PerigeeService

/// Everything that a gateway knows of itself at one moment: what status and metrics are made of.
struct GatewayObservation: Sendable {
    let status: GatewayStatus
    let started: Timestamp
    let now: LinkTime
    let system: SystemState
    let alerts: AlertBook

    /// status.json, version 2: Docs/status.md section 2.
    var json: JSONValue {
        func whole(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
        let head: [JSONValue.Member] = [
            .init("v", .integer(2)), .init("state", .string(status.isStopping ? "stopping" : "running")),
            .init("health", .string(alerts.health)), .init("pid", .integer(Int(getpid()))),
            .init("version", .string(Release.version)), .init("endpoint", .string(status.endpoint)),
            .init("started", .string(started.rfc3339)), .init("updated", .string(now.utc.rfc3339)),
            .init("memory_bytes", whole(system.memory)),
            .init(
                "clock",
                .object(["synchronised": system.isClockSynchronised.map(JSONValue.bool) ?? .null])),
            .init("disk_free_bytes", whole(system.diskFree)),
        ]
        let tail: [JSONValue.Member] = [
            .init("saving", saving), .init("stations", .array(status.stations.map(station))),
            .init("alerts", alerts.json),
        ]
        return .object(head + status.members + tail)
    }

    private var saving: JSONValue {
        var sum = LinkMessage.Account()
        for station in status.stations {
            sum.frames += station.account.frames
            sum.rawSize += station.account.rawSize
            sum.packetSize += station.account.packetSize
            sum.linkSize += station.account.linkSize
        }
        return Self.saving(sum)
    }

    private static func saving(_ account: LinkMessage.Account) -> JSONValue {
        func quotient(_ size: Int) -> JSONValue {
            guard size > 0 else { return .null }
            return .number((Double(account.rawSize) / Double(size) * 1_000).rounded() / 1_000)
        }
        return .object([
            "frames": .integer(account.frames), "raw_bytes": .integer(account.rawSize),
            "packet_bytes": .integer(account.packetSize), "link_bytes": .integer(account.linkSize),
            "raw_over_link": quotient(account.linkSize), "raw_over_packets": quotient(account.packetSize),
        ])
    }

    private func station(_ station: GatewayStatus.Station) -> JSONValue {
        let own = alerts.entries.filter { $0.alert.subject == station.name }
        let account = station.account
        let delay: JSONValue =
            account.frames > 0
            ? .object([
                "p50": .number(Double(account.medianMilliseconds) / 1_000),
                "p99": .number(Double(account.slowMilliseconds) / 1_000),
            ]) : .null
        return .object(
            station.members + [
                .init("saving", Self.saving(account)), .init("frame_to_ack_seconds", delay),
                .init("alerts", .array(own.map(\.json))),
            ])
    }

    /// Why stations are not served; empty where they are.
    var obstacles: [String] { status.isStopping ? ["stopping"] : [] }
}
