import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeLink
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// What `status.json` says, version 1. Octets are octets; ratios are quotients, null where there is nothing to divide by.
struct StationStatus {
    /// What the station does.
    enum State: String, Sendable {
        case running
        case draining
        case stopped
    }

    let state: State
    let configuration: StationConfiguration
    let started: Timestamp
    let now: LinkTime
    let firmware: JSONValue
    let endpoints: [String]
    let counters: StationCounters
    let intakeQueue: (items: Int, size: Int)
    let spool: SpoolStatus
    let link: LinkClient.Snapshot
    let control: RateControl

    var json: JSONValue {
        .object([
            "v": .integer(1), "station": .string(configuration.stationID), "state": .string(state.rawValue),
            "epoch": .string(spool.epoch.text), "started": .string(started.rfc3339),
            "updated": .string(now.utc.rfc3339),
            "firmware": firmware,
            "intake": intake, "ledger": ledger, "spool": spoolObject, "bytes": bytes, "saving": saving,
            "over_budget": .integer(sum(\.overBudget)), "clipped_samples": .integer(counters.clippedTotal),
            "link": linkObject, "control": control.json,
            "sensors": .sorted(counters.sensors.mapValues(sensor)),
        ])
    }

    private func sum(_ counter: KeyPath<StationCounters.Sensor, Int>) -> Int {
        counters.sensors.values.reduce(0) { $0 + $1[keyPath: counter] }
    }

    private var linkSize: Int { link.wireSent + link.wireReceived }

    /// What lossless zstd would have needed for all that is acknowledged; nil where a sensor of it has no sample.
    private var baselineAcknowledged: Double? {
        counters.sensors.values.filter { $0.acknowledged > 0 }.reduce(0) { sum, sensor in
            guard let sum, let value = sensor.baselineAcknowledged else { return nil }
            return sum + value
        }
    }

    private var bytes: JSONValue {
        .object([
            "raw_received": .integer(sum(\.rawSize)), "raw_encoded": .integer(sum(\.rawSizeEncoded)),
            "raw_acknowledged": .integer(sum(\.rawSizeAcknowledged)), "packets_encoded": .integer(sum(\.packetSize)),
            "packets_acknowledged": .integer(sum(\.packetSizeAcknowledged)), "link": .integer(linkSize),
            "zstd_acknowledged": baselineAcknowledged.map { .integer(Int($0.rounded())) } ?? .null,
        ])
    }

    private var saving: JSONValue {
        let raw = sum(\.rawSizeAcknowledged)
        return .object([
            "raw_over_link": quotient(Double(raw), linkSize),
            "zstd_over_link": quotient(raw > 0 ? baselineAcknowledged : nil, linkSize),
            "raw_over_packets": quotient(Double(raw), sum(\.packetSizeAcknowledged)),
        ])
    }

    private var intake: JSONValue {
        .object([
            "endpoints": .strings(endpoints), "bytes": .integer(counters.intakeSize),
            "waiting_frames": .integer(intakeQueue.items), "waiting_bytes": .integer(intakeQueue.size),
            "runs": .integer(counters.runs), "heartbeats": .integer(counters.heartbeats),
            "missed": .integer(counters.missed), "late": .integer(counters.late),
            "disconnects": .integer(counters.disconnects),
        ])
    }

    /// Every reason is there from the start, also with 0.
    private var ledger: JSONValue {
        .object([
            "received": .integer(counters.received), "spooled": .integer(counters.spooled),
            "rejected": .object(StationCounters.reasons.map { .init($0, .integer(counters.rejected[$0] ?? 0)) }),
            "lost_at_crash": .integer(counters.lostAtCrash), "in_work": .integer(counters.inWork),
            "delivered": .integer(counters.spool.delivered), "thinned": .integer(counters.spool.thinned),
            "waiting": .integer(counters.spool.waiting), "quarantined": .integer(counters.spool.quarantined),
            "dropped": .object(
                TombstoneReason.drops.map { .init("\($0)", .integer(counters.spool.dropped[$0] ?? 0)) }),
            "balanced": .bool(counters.isBalanced),
        ])
    }

    /// `busy_seconds` above 0 shows a disk that is slow; nothing is lost by it as long as the intake has room.
    private var spoolObject: JSONValue {
        let served = spool.served
        return .object([
            "epoch": .string(spool.epoch.text), "served_epoch": .optional(served?.epoch.text),
            "lowest": .integer(Int(clamping: served?.lowest ?? 0)), "next": .integer(Int(clamping: served?.next ?? 0)),
            "held_packets": .integer(served?.heldCount ?? 0), "held_bytes": .integer(served?.heldSize ?? 0),
            "held_bytes_by_priority": .array((served?.heldByPriority ?? []).map { .integer($0) }),
            "oldest": .optional(served?.oldest?.rfc3339), "tombstones": .integer(served?.tombstones.count ?? 0),
            "commits": .integer(spool.commits), "last_commit_ms": .integer(Int(spool.lastCommitMilliseconds)),
            "busy_seconds": .integer(Int(spool.busySince.map { (now.monotonic - $0) / 1_000 } ?? 0)),
            "full": .bool(spool.isFull), "forks": .integer(spool.forks),
            "failure": .optional(spool.failure.map { "\($0)" }),
        ])
    }

    private var linkObject: JSONValue {
        .object([
            "state": .string(link.state.rawValue), "gateway": .string(configuration.gatewayEndpoints[link.gateway]),
            "failovers": .integer(link.counters.failovers), "sessions": .integer(link.counters.sessions),
            "packets_queued": .integer(Int(clamping: (spool.served?.next ?? 1) - 1)),
            "packets_sent": .integer(link.counters.sent), "packets_resent": .integer(link.counters.resent),
            "packets_acknowledged": .integer(link.counters.acknowledged),
            "packets_rejected": .integer(link.counters.rejected),
            "held_packets": .integer(spool.served?.heldCount ?? 0),
            "held_bytes": .integer(spool.served?.heldSize ?? 0), "bytes_sent": .integer(link.wireSent),
            "bytes_received": .integer(link.wireReceived), "last_error": .optional(link.lastError),
        ])
    }

    private func sensor(_ counters: StationCounters.Sensor) -> JSONValue {
        .object([
            "received": .integer(counters.received), "encoded": .integer(counters.encoded),
            "acknowledged": .integer(counters.acknowledged), "refused": .integer(counters.refused),
            "dropped": .integer(counters.dropped), "thinned": .integer(counters.thinned),
            "missed": .integer(counters.missed), "over_budget": .integer(counters.overBudget),
            "clipped_samples": .integer(counters.clippedSamples),
            "raw_bytes": .integer(counters.rawSize), "raw_bytes_acknowledged": .integer(counters.rawSizeAcknowledged),
            "packet_bytes": .integer(counters.packetSize),
            "packet_bytes_acknowledged": .integer(counters.packetSizeAcknowledged),
            "raw_over_packets": quotient(Double(counters.rawSizeEncoded), counters.packetSize),
            "zstd_sample_raw_bytes": .integer(counters.baselineRaw),
            "zstd_sample_bytes": .integer(counters.baselineCompressed),
            "zstd_over_packets": quotient(counters.baselineAcknowledged, counters.packetSizeAcknowledged),
        ])
    }

    private func quotient(_ left: Double?, _ right: Int) -> JSONValue {
        guard let left, right > 0 else { return .null }
        return .number((left / Double(right) * 1_000).rounded() / 1_000)
    }

    /// False where the file could not be written.
    static func write(_ text: String, to path: String) -> Bool { SmallFile.write(Array((text + "\n").utf8), to: path) }
}
