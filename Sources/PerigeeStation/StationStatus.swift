import Glibc
import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeLink
import PerigeeMemory
import PerigeeMetrics
import PerigeeService
import PerigeeSpool
import PerigeeTransport

/// What `status.json` says, version 2: Docs/status.md.
struct StationStatus {
    let observation: StationObservation

    private var snapshot: StationSnapshot { observation.snapshot }

    var json: JSONValue {
        .object([
            "v": .integer(2), "station": .string(snapshot.configuration.stationID),
            "state": .string(snapshot.state.rawValue), "health": .string(observation.alerts.health),
            "pid": .integer(Int(getpid())), "version": .string(Release.version),
            "epoch": .string(spool.epoch.text), "started": .string(snapshot.started.rfc3339),
            "updated": .string(snapshot.now.utc.rfc3339),
            "configuration": snapshot.live.json,
            "firmware": snapshot.firmware.json,
            "intake": intake, "ledger": ledger, "spool": spoolObject, "bytes": bytes, "link": linkObject,
            "control": snapshot.control.json(snapshot.configuration.control), "history": history, "clock": clock,
            "memory_bytes": whole(snapshot.system.memory),
            "backlog": backlog, "saving": observation.saving.json,
            "sensors": .sorted(
                Dictionary(counters.sensors.map { ($0.key, sensor($0.key, $0.value)) }) { first, _ in first }),
            "over_budget": .integer(snapshot.sum(\.overBudget)), "clipped_samples": .integer(counters.clippedTotal),
            "surprises": .array(snapshot.surprises), "alerts": observation.alerts.json,
        ])
    }

    private var counters: StationCounters { snapshot.counters }

    /// What is remembered of places; null where nothing is.
    private var history: JSONValue {
        guard let history = snapshot.history else { return .null }
        let memory = history.memory
        return .object([
            "available": .bool(memory.isAvailable), "places": .integer(memory.places),
            "frames": .integer(memory.entries), "bytes": .integer(memory.size), "bytes_limit": .integer(memory.quota),
            "predicted": .integer(sum(\.predicted)), "found": .integer(memory.hits),
            "not_found": .integer(memory.misses),
            "ineligible": .integer(memory.ineligible.values.reduce(0, +)), "evicted": .integer(memory.evictions),
            "damaged": .integer(memory.damaged), "set_aside": .integer(memory.filesSetAside),
            "failures": .integer(memory.failures), "late": .integer(history.late),
            "untold": .integer(history.untold), "encoded_again": .integer(counters.encodedAgain),
            "resent": .integer(counters.resent),
        ])
    }

    private var spool: SpoolStatus { snapshot.spool }
    private var link: LinkClient.Snapshot { snapshot.link }

    private func whole(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }

    private func seconds(_ value: Double?) -> JSONValue { value.map { .integer(Int($0.rounded(.up))) } ?? .null }

    private func sum(_ counter: KeyPath<StationCounters.Sensor, Int>) -> Int { snapshot.sum(counter) }

    private var clock: JSONValue {
        .object(["synchronised": snapshot.system.isClockSynchronised.map(JSONValue.bool) ?? .null])
    }

    private var backlog: JSONValue {
        .object([
            "packets": .integer(spool.served?.heldCount ?? 0), "bytes": .integer(spool.served?.heldSize ?? 0),
            "oldest": .optional(spool.served?.oldest?.rfc3339), "drain_seconds": seconds(snapshot.drainSeconds),
            "full_seconds": seconds(observation.findings.fullSeconds),
        ])
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

    private var intake: JSONValue {
        .object([
            "endpoints": .strings(snapshot.endpoints), "bytes": .integer(counters.intakeSize),
            "waiting_frames": .integer(snapshot.intakeQueue.items),
            "waiting_bytes": .integer(snapshot.intakeQueue.size),
            "runs": .integer(counters.runs), "heartbeats": .integer(counters.heartbeats),
            "missed": .integer(counters.missed), "late": .integer(counters.late),
            "repeated": .integer(counters.repeated),
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
            "busy_seconds": .integer(Int(spool.busySince.map { (snapshot.now.monotonic - $0) / 1_000 } ?? 0)),
            "full": .bool(spool.isFull), "forks": .integer(spool.forks),
            "failure": .optional(spool.failure.map { "\($0)" }), "quota_bytes": .integer(spool.quota),
            "used_bytes": .integer(spool.used), "disk_free_bytes": whole(snapshot.system.diskFree),
        ])
    }

    private var linkObject: JSONValue {
        .object([
            "state": .string(link.state.rawValue),
            "gateway": .string(snapshot.configuration.gatewayEndpoints[link.gateway]),
            "failovers": .integer(link.counters.failovers), "sessions": .integer(link.counters.sessions),
            "packets_queued": .integer(Int(clamping: (spool.served?.next ?? 1) - 1)),
            "packets_sent": .integer(link.counters.sent), "packets_resent": .integer(link.counters.resent),
            "packets_acknowledged": .integer(link.counters.acknowledged),
            "packets_rejected": .integer(link.counters.rejected),
            "held_packets": .integer(spool.served?.heldCount ?? 0),
            "held_bytes": .integer(spool.served?.heldSize ?? 0), "bytes_sent": .integer(link.wireSent),
            "bytes_received": .integer(link.wireReceived),
            "last_acknowledgement": .optional(link.lastAcknowledged?.rfc3339),
            "rtt_ms": whole(link.roundTripMilliseconds.map { Int($0) }),
            "bits_per_second": whole(link.deliveryRate.map { 8 * $0 }),
            "authentication_failures": .integer(link.refusals), "last_error": .optional(link.lastError),
        ])
    }

    private func sensor(_ name: String, _ counters: StationCounters.Sensor) -> JSONValue {
        .object([
            "mark": .optional(observation.findings.marks[name]??.rawValue),
            "last_frame": .optional(counters.signs.lastFrame?.rfc3339),
            "last_sign": .optional(counters.signs.lastSign?.rfc3339),
            "interval_seconds": .optional(counters.signs.interval.map { ($0 * 1_000).rounded() / 1_000 }),
            "received": .integer(counters.received), "encoded": .integer(counters.encoded),
            "acknowledged": .integer(counters.acknowledged), "refused": .integer(counters.refused),
            "dropped": .integer(counters.dropped), "thinned": .integer(counters.thinned),
            "missed": .integer(counters.missed), "over_budget": .integer(counters.overBudget),
            "clipped_samples": .integer(counters.clippedSamples), "predicted": .integer(counters.predicted),
            "raw_bytes": .integer(counters.rawSize), "raw_bytes_acknowledged": .integer(counters.rawSizeAcknowledged),
            "packet_bytes": .integer(counters.packetSize),
            "packet_bytes_acknowledged": .integer(counters.packetSizeAcknowledged),
            "raw_over_packets": SavingFigures.quotient(Double(counters.rawSizeEncoded), counters.packetSize),
            "zstd_sample_raw_bytes": .integer(counters.baselineRaw),
            "zstd_sample_bytes": .integer(counters.baselineCompressed),
            "zstd_over_packets": SavingFigures.quotient(counters.baselineAcknowledged, counters.packetSizeAcknowledged),
        ])
    }

    /// False where the file could not be written.
    static func write(_ text: String, to path: String) -> Bool { SmallFile.write(Array((text + "\n").utf8), to: path) }
}
