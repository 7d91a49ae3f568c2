internal import PerigeeCore
internal import PerigeeLink
internal import PerigeeMetrics
internal import PerigeeService
internal import PerigeeTransport

/// The rules of the gateway's alerts, looked at about each second. A pure value; names and limits: Docs/status.md section 3.
struct GatewayAlerts: Sendable {
    /// Of all that there are, for a metric that is there from the start.
    static let names = [
        "AuthDenied", "ConfigurationInvalid", "ClockBad", "StationSilent", "GapsUnexplained", "LinkFlapping",
        "ReferencesLost",
    ]

    /// Seconds without a word after which a station is silent: its PING comes at least each half minute.
    private static let silence: Int64 = 600

    private var denied = CounterWindow(seconds: 300)
    private var sessions: [String: CounterWindow] = [:]
    private var lost = CounterWindow(seconds: 3_600)

    /// What is found at one look.
    mutating func look(_ status: GatewayStatus, _ system: SystemState, now: LinkTime) -> [Alert] {
        var alerts: [Alert] = []
        let refusals = denied.growth(status.list?.denied ?? 0, now: now.monotonic)
        if refusals >= 2 {
            alerts.append(
                Alert(
                    "AuthDenied", .ticket, "\(refusals) connections with unknown keys in the last five minutes",
                    remedy: "allow the station's key with `perigee keys allow`, or see the log for who it is"))
        }
        if let problem = status.configurationError?.split(separator: "\n").first {
            alerts.append(
                Alert(
                    "ConfigurationInvalid", .ticket, "the last reload was refused: \(problem)",
                    remedy: "correct the file and reload; meanwhile the one before it is in force"))
        }
        if let problem = status.list?.problems.first {
            alerts.append(
                Alert(
                    "ConfigurationInvalid", .ticket, "a key file cannot be used: \(problem)",
                    remedy: "correct or remove the file: its station is kept out"))
        }
        if system.isClockSynchronised == false {
            alerts.append(
                Alert(
                    "ClockBad", .ticket, "the clock is not synchronised",
                    remedy: "start a time service such as chrony or systemd-timesyncd"))
        }
        if let references = status.references {
            let growth = lost.growth(references.lost, now: now.monotonic)
            if growth > 0 {
                alerts.append(
                    Alert(
                        "ReferencesLost", .ticket,
                        "\(growth) frames of the last hour cannot be decoded: what they were predicted from is lost",
                        remedy: "see with `perigee archive verify` what became of the archive; later frames come plain"
                    ))
            }
        }
        let names = Set(status.stations.map(\.name))
        sessions = sessions.filter { names.contains($0.key) }
        for station in status.stations { alerts += look(station, now: now) }
        return alerts
    }

    private mutating func look(_ station: GatewayStatus.Station, now: LinkTime) -> [Alert] {
        var alerts: [Alert] = []
        let name = station.name
        let silence = (now.utc.milliseconds - station.lastHeard.milliseconds) / 1_000
        if silence > Self.silence {
            alerts.append(
                Alert(
                    "StationSilent", .page, "\(name) has said nothing since \(station.lastHeard.rfc3339)",
                    remedy: "see its line and its page; it keeps its packets until it is back", subject: name))
        }
        if station.counters.gaps > 0 {
            alerts.append(
                Alert(
                    "GapsUnexplained", .page,
                    "\(station.counters.gaps) numbers of \(name) are held by nobody and no tombstone names them",
                    remedy: "`perigee archive gaps` names them, `perigee archive want --numbers` may bring them back",
                    subject: name))
        }
        let opened = sessions[name, default: CounterWindow(seconds: 600, zero: now.monotonic)]
            .growth(station.sessionsOpened, now: now.monotonic)
        if opened > 6 || station.isInConflict {
            alerts.append(
                Alert(
                    "LinkFlapping", .ticket,
                    station.isInConflict
                        ? "two stations use the name \(name)" : "\(opened) sessions of \(name) in the last ten minutes",
                    remedy: "see its line; two stations with one name need two names and two keys", subject: name))
        }
        return alerts
    }
}
