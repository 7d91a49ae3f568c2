import PerigeeConfig
import PerigeeCore
import PerigeeLink
import PerigeeMetrics
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// The rules of the station's alerts, looked at about each second. A pure value; names and limits: Docs/status.md section 3.
struct StationAlerts: Sendable {
    /// Of all that there are, for a metric that is there from the start.
    static let names = [
        "StreamSilent", "SourceLoss", "BacklogGrowing", "OldestUnacked", "DropsStarted", "SpoolIOError", "NewEpoch",
        "LedgerBroken", "AuthDenied", "LinkFlapping", "ResendRatio", "ClockBad", "ModelMismatch", "RolledBack",
        "ConfigurationInvalid",
    ]

    private static let tenMinutes: Int64 = 600

    private var missed: [String: CounterWindow] = [:]
    private var dropped: [String: CounterWindow] = [:]
    private var urgentDrops = CounterWindow(seconds: tenMinutes)
    private var sessions = CounterWindow(seconds: tenMinutes)
    private var sent = CounterWindow(seconds: tenMinutes)
    private var resent = CounterWindow(seconds: tenMinutes)
    private var refusals = CounterWindow(seconds: 300)
    private var held = CounterWindow(seconds: tenMinutes)
    /// Looks in a row at which the ledger did not close.
    private var imbalances = 0

    /// What is found at one look.
    struct Findings: Sendable {
        /// By sensor; nil where nothing is expected of it.
        var marks: [String: SignWatch.Mark?] = [:]
        /// Seconds until the quota is reached, at the growth of the last ten minutes.
        var fullSeconds: Double?
        var alerts: [Alert] = []
    }

    /// One look.
    mutating func look(_ status: StationSnapshot, now: LinkTime) -> Findings {
        var findings = Findings()
        var losses: [String: Int] = [:]
        for (name, sensor) in status.counters.sensors {
            let lost = missed[name, default: CounterWindow(seconds: Self.tenMinutes, zero: now.monotonic)]
                .growth(sensor.missed, now: now.monotonic)
            let gone = dropped[name, default: CounterWindow(seconds: Self.tenMinutes, zero: now.monotonic)]
                .growth(sensor.dropped + sensor.thinned, now: now.monotonic)
            findings.marks[name] = sensor.signs.mark(missed: lost, dropped: gone, now: now.monotonic)
            if lost > 0 { losses[name] = lost }
        }
        findings.fullSeconds = fullSeconds(status.spool, now.monotonic)
        findings.alerts =
            intake(status, findings.marks, losses) + spool(status, findings.fullSeconds, now)
            + link(status, now.monotonic) + machine(status)
        return findings
    }

    /// Time to the quota at the backlog's growth; nil where it does not grow.
    private mutating func fullSeconds(_ spool: SpoolStatus, _ now: Int64) -> Double? {
        let growth = held.growth(spool.used, now: now)
        guard growth > 0, spool.used < spool.quota else {
            return spool.used >= spool.quota && spool.quota > 0 ? 0 : nil
        }
        return Double(spool.quota - spool.used) / Double(growth) * held.seconds(now)
    }

    private func intake(
        _ status: StationSnapshot, _ marks: [String: SignWatch.Mark?], _ losses: [String: Int]
    ) -> [Alert] {
        var alerts: [Alert] = []
        // who is not listened to may be silent
        let expected = status.state == .running ? marks : [:]
        let silent = expected.filter { $0.value == .late || $0.value == .stale }.keys.sorted()
        if !silent.isEmpty {
            alerts.append(
                Alert(
                    "StreamSilent", .ticket, "no frame and no heartbeat for three intervals from \(Self.list(silent))",
                    remedy: "see whether the source runs; one that pauses on purpose ends its run or sends heartbeats"))
        }
        if !losses.isEmpty {
            let total = losses.values.reduce(0, +)
            alerts.append(
                Alert(
                    "SourceLoss", .ticket,
                    "\(total) frames of \(Self.list(losses.keys.sorted())) never came in the last ten minutes",
                    remedy: "see why the source loses them: a \"sub\" intake drops what it cannot take"))
        }
        return alerts
    }

    private mutating func spool(_ status: StationSnapshot, _ fullSeconds: Double?, _ now: LinkTime) -> [Alert] {
        var alerts: [Alert] = []
        let spool = status.spool
        if let fullSeconds, fullSeconds < 43_200 {
            alerts.append(
                Alert(
                    "BacklogGrowing", .page, "the spool is full in \(Int(fullSeconds / 60)) minutes if this goes on",
                    remedy: "more line, coarser targets, or a larger [spool] quota_bytes"))
        }
        let isOpen = [SenderMachine.State.live, .throttled, .resuming].contains(status.link.state)
        if isOpen, let oldest = spool.served?.oldest, now.utc.milliseconds - oldest.milliseconds > 3_600_000 {
            alerts.append(
                Alert(
                    "OldestUnacked", .ticket, "a packet waits since \(oldest.rfc3339) though the link is up",
                    remedy: "the line is too thin for what comes, or the gateway's disk is slow: see its status"))
        }
        let drops = urgentDrops.growth(status.counters.urgentDrops, now: now.monotonic)
        if drops > 0 {
            alerts.append(
                Alert(
                    "DropsStarted", .page, "\(drops) frames of priorities 0 to 2 were given up in the last ten minutes",
                    remedy: "more line or a larger [spool] quota_bytes; what was dropped is named by tombstones"))
        }
        if spool.isFull || spool.failure != nil {
            alerts.append(
                Alert(
                    "SpoolIOError", .page, spool.failure.map { "\($0)" } ?? "the disk of the spool is full",
                    remedy: "make room or replace the disk; nothing that was stored is lost by waiting"))
        }
        if spool.newEpochs > 0 || spool.forks > 0 {
            alerts.append(
                Alert(
                    "NewEpoch", .ticket, "the spool began a new epoch in this process",
                    remedy: "see in the log why: a damaged, restored or cloned disk; none if it was new"))
        }
        imbalances = status.counters.isBalanced ? 0 : imbalances + 1
        if imbalances >= 2 {
            alerts.append(
                Alert(
                    "LedgerBroken", .page, "the ledger does not close",
                    remedy: "this is a fault of the program: keep the log and status.json, and report it"))
        }
        return alerts
    }

    private mutating func link(_ status: StationSnapshot, _ now: Int64) -> [Alert] {
        var alerts: [Alert] = []
        let counters = status.link.counters
        if refusals.growth(status.link.refusals, now: now) >= 2 {
            alerts.append(
                Alert(
                    "AuthDenied", .ticket,
                    "the gateway refused this station's key or greeting in the last five minutes",
                    remedy: status.link.lastError ?? "allow its key at the gateway with `perigee keys allow`"))
        }
        let opened = sessions.growth(counters.sessions, now: now)
        if opened > 6 {
            alerts.append(
                Alert(
                    "LinkFlapping", .ticket, "\(opened) sessions in the last ten minutes",
                    remedy: "see the line, and that no other station uses this one's name"))
        }
        let packets = sent.growth(counters.sent, now: now), again = resent.growth(counters.resent, now: now)
        if packets >= 100, again * 20 > packets {
            alerts.append(
                Alert(
                    "ResendRatio", .ticket, "\(again) of \(packets) packets of the last ten minutes were sent again",
                    remedy: "see the line: it loses what it took, or breaks often"))
        }
        return alerts
    }

    private func machine(_ status: StationSnapshot) -> [Alert] {
        var alerts: [Alert] = []
        if status.system.isClockSynchronised == false {
            alerts.append(
                Alert(
                    "ClockBad", .ticket, "the clock is not synchronised",
                    remedy: "start a time service such as chrony or systemd-timesyncd"))
        }
        if let problem = status.live.lastError?.split(separator: "\n").first {
            alerts.append(
                Alert(
                    "ConfigurationInvalid", .ticket, "the last reload was refused: \(problem)",
                    remedy: "correct the file and reload; meanwhile the one before it is in force"))
        }
        if let note = status.firmware.notes.first {
            alerts.append(
                Alert(
                    "ModelMismatch", .ticket, "the installed firmware does not serve: \(note)",
                    remedy: "install a bundle that fits; meanwhile the one before it serves"))
        }
        if let returned = status.firmware.returned {
            alerts.append(
                Alert(
                    "RolledBack", .ticket, "firmware \(returned)",
                    remedy: "see trial-failed.log beside the slots; the bundle before it serves"))
        }
        return alerts
    }

    private static func list(_ names: [String]) -> String {
        names.count <= 3
            ? names.joined(separator: ", ") : names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
    }
}
