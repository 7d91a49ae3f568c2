import PerigeeConfig
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeMemory
import PerigeeMetrics
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// Everything that a station knows of itself at one moment: what status, metrics and alerts are made of.
struct StationSnapshot: Sendable {
    /// What the station does.
    enum State: String, Sendable {
        case running
        /// Takes no more frames.
        case draining
        /// The same, and nothing waits any more.
        case drained
        case stopped
    }

    let state: State
    let live: LiveConfiguration<StationConfiguration>
    let started: Timestamp
    let now: LinkTime
    let firmware: FirmwareWatch.Report
    let endpoints: [String]
    let counters: StationCounters
    let intakeQueue: (items: Int, size: Int)
    let spool: SpoolStatus
    let link: LinkClient.Snapshot
    let control: RateControl
    /// nil where nothing is remembered of places.
    let history: MemoryThread.Status?
    let system: SystemState
    /// With the link's octets of this process.
    let saving: SavingTotals
    /// Newest first.
    let surprises: [JSONValue]

    /// What is in force.
    var configuration: StationConfiguration { live.current }

    /// Seconds that the line needs for what waits, at the best that was measured; nil before that.
    var drainSeconds: Double? {
        guard let rate = link.deliveryRate, rate > 0, let served = spool.served else { return nil }
        return Double(served.heldSize) / Double(rate)
    }

    func sum(_ counter: KeyPath<StationCounters.Sensor, Int>) -> Int {
        counters.sensors.values.reduce(0) { $0 + $1[keyPath: counter] }
    }

    /// Why frames are not taken; empty where they are.
    var obstacles: [String] {
        var reasons: [String] = []
        if state != .running { reasons.append(state.rawValue) }
        if spool.failure != nil { reasons.append("spool_failed") }
        if spool.isFull { reasons.append("spool_full") }
        return reasons
    }
}

/// A snapshot and what is found in it.
struct StationObservation: Sendable {
    let snapshot: StationSnapshot
    let findings: StationAlerts.Findings
    let alerts: AlertBook
    let history: SavingHistory

    var saving: SavingReport {
        SavingReport(totals: snapshot.saving, history: history, now: snapshot.now.utc)
    }
}
