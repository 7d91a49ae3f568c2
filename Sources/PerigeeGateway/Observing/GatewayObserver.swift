internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeHTTP
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeMetrics
internal import PerigeePage
internal import PerigeeService
internal import PerigeeTransport

/// Looks at the gateway about each second, and keeps what was seen for whoever asks. Only `look` does work; it belongs to one thread.
final class GatewayObserver: Sendable {
    private struct State: Sendable {
        var rules = GatewayAlerts()
        var alerts = AlertBook()
        var events: EventRing
        var connected: [String: Bool] = [:]
        var tombstones: [String: Int] = [:]
        var latest: GatewayObservation?
    }

    private let folder: String
    private let started: Timestamp
    private let log: ServiceLog
    private let watchdog: Watchdog
    private let state: Locked<State>

    /// `folder`: the archive's.
    init(folder: String, log: ServiceLog, watchdog: Watchdog) {
        self.watchdog = watchdog
        self.folder = folder
        self.log = log
        started = currentTime().utc
        state = Locked(State(events: EventRing(boot: started)))
    }

    /// Takes a status in.
    func look(_ status: GatewayStatus) -> GatewayObservation {
        let now = currentTime()
        let system = SystemState.read(folder: folder)
        let started = started
        let (observation, change) = state.withLock { state in
            let change = state.alerts.update(state.rules.look(status, system, now: now), now: now.utc)
            let observation = GatewayObservation(
                status: status, started: started, now: now, system: system, alerts: state.alerts)
            state.latest = observation
            Self.note(status, change, &state, now.utc)
            return (observation, change)
        }
        for alert in change.began {
            log.write(
                alert.severity == .page ? .error : .warning, "alert", key: alert.name,
                [
                    "name": alert.name, "severity": alert.severity.rawValue, "text": alert.text, "remedy": alert.remedy,
                ])
        }
        for alert in change.ended {
            log.write(
                .notice, "alert_ended", key: alert.name, ["name": alert.name, "station": alert.subject ?? "none"])
        }
        return observation
    }

    /// What changed since the last look, as events.
    private static func note(
        _ status: GatewayStatus, _ change: (began: [Alert], ended: [Alert]), _ state: inout State, _ now: Timestamp
    ) {
        for station in status.stations where state.connected[station.name] != station.isConnected {
            if station.isConnected || state.connected[station.name] != nil {
                state.events.add(
                    "station",
                    [.init("station", .string(station.name)), .init("connected", .bool(station.isConnected))], now: now)
            }
        }
        state.connected = Dictionary(status.stations.map { ($0.name, $0.isConnected) }) { first, _ in first }
        for station in status.stations {
            let count = station.counters.tombstones - (state.tombstones[station.name] ?? 0)
            guard count > 0 else { continue }
            state.events.add(
                "tombstone", [.init("station", .string(station.name)), .init("count", .integer(count))], now: now)
        }
        state.tombstones = Dictionary(status.stations.map { ($0.name, $0.counters.tombstones) }) { first, _ in first }
        for (alerts, isActive) in [(change.began, true), (change.ended, false)] {
            for alert in alerts {
                state.events.add(
                    "alert",
                    [
                        .init("name", .string(alert.name)), .init("active", .bool(isActive)),
                        .init("text", .string(alert.text)),
                    ], now: now)
            }
        }
    }

    /// What it answers over HTTP: Docs/status.md section 6.
    func answer(_ request: HTTPRequest) -> HTTPResponse {
        switch request.path {
        case "/":
            var page = HTTPResponse(contentType: "text/html; charset=utf-8", body: GatewayPage.html)
            page.contentSecurityPolicy = GatewayPage.contentSecurityPolicy
            return page
        case "/livez":
            let stalled = watchdog.stalled
            let answer = JSONValue.object(["live": .bool(stalled.isEmpty), "stalled": .strings(stalled)])
            return .json(answer.description, status: stalled.isEmpty ? 200 : 503)
        case let path where path.hasPrefix("/runbook/"):
            guard let text = Runbook.page(String(path.dropFirst(9))) else { return .notFound }
            return HTTPResponse(contentType: "text/plain; charset=utf-8", body: text)
        case "/events.json": return .json(state.withLock { $0.events.json(after: request.after ?? 0) }.description)
        default: break
        }
        guard let observation = state.withLock({ $0.latest }) else {
            return .json("{\"error\":\"starting\"}", status: 503)
        }
        switch request.path {
        case "/metrics":
            let format = MetricText.Format(accept: request.accept)
            let text = MetricText.text(GatewayMetrics.values(observation), format)
            return HTTPResponse(contentType: format.contentType, body: Array(text.utf8))
        case "/status.json": return .json(observation.json.description)
        case "/readyz":
            let obstacles = observation.obstacles
            let answer = JSONValue.object(["ready": .bool(obstacles.isEmpty), "reasons": .strings(obstacles)])
            return .json(answer.description, status: obstacles.isEmpty ? 200 : 503)
        default: return .notFound
        }
    }
}
