import PerigeeConcurrency
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeMetrics
import PerigeeService
import PerigeeTransport

/// Looks at the station about each second, and keeps what was seen for whoever asks. Only `look` does work; it belongs to one thread.
final class StationObserver: Sendable {
    private struct State: Sendable {
        var history: SavingHistory
        var rules = StationAlerts()
        var alerts = AlertBook()
        var link = SenderMachine.State.offline
        var latest: StationObservation?
    }

    private let journal: StationJournal
    private let log: ServiceLog
    private let historyFile: String
    private let state: Locked<State>

    /// `folder`: where the marks of the saving are kept.
    init(folder: String, journal: StationJournal, log: ServiceLog) {
        self.journal = journal
        self.log = log
        historyFile = folder + "/saving.json"
        let octets = SmallFile.read(historyFile, limit: SavingHistory.sizeLimit)
        let history = octets.map { SavingHistory(parsing: $0) }
        if case .some(.none) = history {
            log.write(
                .warning, "saving_forgotten",
                ["file": historyFile, "remedy": "none: totals are in the spool, the hours begin anew"])
        }
        state = Locked(State(history: history.flatMap { $0 } ?? SavingHistory()))
    }

    /// What was seen last; nil before the first look.
    var latest: StationObservation? { state.withLock { $0.latest } }

    /// Takes a snapshot in.
    @discardableResult
    func look(_ snapshot: StationSnapshot) -> StationObservation {
        let now = snapshot.now
        let (observation, change, history, link) = state.withLock { state in
            let isNewHour = state.history.note(snapshot.saving, now: now.utc)
            let findings = state.rules.look(snapshot, now: now)
            let change = state.alerts.update(findings.alerts, now: now.utc)
            let link = state.link == snapshot.link.state ? nil : snapshot.link.state
            state.link = snapshot.link.state
            let observation = StationObservation(
                snapshot: snapshot, findings: findings, alerts: state.alerts, history: state.history)
            state.latest = observation
            return (observation, change, isNewHour ? state.history : nil, link)
        }
        if let link { journal.add("link", [.init("state", .string(link.rawValue))]) }
        for alert in change.began { tell(alert, isActive: true) }
        for alert in change.ended { tell(alert, isActive: false) }
        if let history { save(history) }
        return observation
    }

    private func tell(_ alert: Alert, isActive: Bool) {
        journal.add(
            "alert",
            [
                .init("name", .string(alert.name)), .init("active", .bool(isActive)),
                .init("text", .string(alert.text)),
            ])
        if isActive {
            log.write(
                alert.severity == .page ? .error : .warning, "alert", key: alert.name,
                [
                    "name": alert.name, "severity": alert.severity.rawValue, "text": alert.text, "remedy": alert.remedy,
                ])
        } else {
            log.write(.notice, "alert_ended", key: alert.name, ["name": alert.name])
        }
    }

    private func save(_ history: SavingHistory) {
        guard !SmallFile.write(Array((history.json.description + "\n").utf8), to: historyFile) else { return }
        log.write(
            .notice, "saving_not_kept",
            ["file": historyFile, "remedy": "make the spool's folder writable; totals are safe"])
    }
}
