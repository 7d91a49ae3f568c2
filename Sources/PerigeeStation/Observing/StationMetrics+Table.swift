import PerigeeControl
import PerigeeCore
import PerigeeFrameFormat
import PerigeeLink
import PerigeeMemory
import PerigeeMetrics
import PerigeeService
import PerigeeSpool
import PerigeeTransport

// What a station measures. Every label is there from the start, also with 0.
extension StationMetrics {
    static let about: [Entry] = [
        process.info("build", labels: ["version"], "Release of the program") { _ in [Release.version] },
        process.info("firmware", labels: ["name", "version", "id"], "The bundle that encodes") {
            [$0.snapshot.firmware.name, $0.snapshot.firmware.version, $0.snapshot.firmware.id]
        },
        process.gauge("start_timestamp_seconds", unit: "seconds", "When the process began") {
            seconds($0.snapshot.started)
        },
        process.gauge("memory_bytes", unit: "bytes", "Resident memory") { $0.snapshot.system.memory.map(Double.init) },
        process.gauge(
            "clock_synchronised", "1 where the kernel's clock is kept in time; absent where it may not be asked"
        ) {
            $0.snapshot.system.isClockSynchronised.map { $0 ? 1 : 0 }
        },
        process.gauges("alerts", labels: ["alert"], "Alerts of status.json that last, each by its name") {
            $0.alerts.counts(of: StationAlerts.names)
        },
        process.counter("status_write_failures", "Times that the status file could not be written") {
            $0.snapshot.counters.statusFailures
        },
    ]

    static let intake: [Entry] = [
        streamCounter("frames_received", "Frames that came") { $0.received },
        streamCounter("input_bytes", unit: "bytes", "Samples that came, decompressed") { $0.rawSize },
        streamCounter(
            "frames_missed", "Frames that never came, by their sequence numbers; late ones are taken back"
        ) { max($0.missed, 0) },
        process.gauges(
            "stream_last_frame_timestamp_seconds", unit: "seconds", labels: ["stream"], "When the last frame came"
        ) { streams($0, { seconds($0.signs.lastFrame) }, max) },
        process.gauges("streams", labels: ["mark"], "Streams by the mark that status.json gives them") { observation in
            [SignWatch.Mark.live, .late, .stale, .gap, .dropped].map { mark in
                .init([mark.rawValue], Double(observation.findings.marks.values.count { $0 == mark }))
            }
        },
        process.counter("heartbeats_received", "Heartbeats and ends of runs from sources") {
            $0.snapshot.counters.heartbeats
        },
        process.counter("source_disconnects", "Connections of sources that ended") { $0.snapshot.counters.disconnects },
        process.gauge("intake_queue_frames", "Frames that wait for the encoder") {
            Double($0.snapshot.intakeQueue.items)
        },
        process.gauge("intake_queue_bytes", unit: "bytes", "Octets that wait for the encoder") {
            Double($0.snapshot.intakeQueue.size)
        },
    ]

    static let encoding: [Entry] = [
        process.durations("encode_duration", "Time to encode a frame", { $0.snapshot.counters.encodeSeconds }),
        streamCounter("encoded_bytes", unit: "bytes", "Packets made, declarations included") { $0.packetSize },
        process.counter("frames_over_budget", "Frames that their smallest size put over the budget") {
            $0.snapshot.sum(\.overBudget)
        },
        process.counter("frames_predicted", "Frames that were coded from earlier ones of their place") {
            $0.snapshot.sum(\.predicted)
        },
        process.counter("frames_history_ineligible", "Frames without grid and place, which have no history") {
            $0.snapshot.history.map { $0.memory.ineligible.values.reduce(0, +) } ?? 0
        },
        process.counter("frames_history_late", "Frames that memory did not answer for in time: they went plain") {
            $0.snapshot.history.map(\.late) ?? 0
        },
        process.counter(
            "frames_encoded_again", "Frames encoded once more without references, which the gateway could not decode"
        ) { $0.snapshot.counters.encodedAgain },
        process.counter("frames_resent", "Frames whose layers were sent once more, since others lean on them") {
            $0.snapshot.counters.resent
        },
        process.gauge("history_bytes", unit: "bytes", "What is remembered of places; absent where nothing is") {
            $0.snapshot.history.map { Double($0.memory.size) }
        },
        process.gauge("history_places", "Places that are remembered; absent where none are") {
            $0.snapshot.history.map { Double($0.memory.places) }
        },
        process.counter("samples_clipped", "Samples too far beyond the profile's peak for the format") {
            $0.snapshot.counters.clippedTotal
        },
        process.counter("surprises", "Frames that look unlike their place") {
            $0.snapshot.control.current.counts.surprising
        },
        process.counter("frames_expected", "Frames that tell nothing beyond an earlier look") {
            $0.snapshot.control.current.counts.expected
        },
        process.gauges("layers_left_away", labels: ["class"], "Layers that rate control leaves away now") {
            observation in
            let levels = observation.snapshot.control.current.layers.levels
            return levels.enumerated().map { .init(["\($0 + 1)"], Double($1.dropped)) }
        },
    ]

    /// received = spooled + rejected + lost at crash + in work; spooled = delivered + waiting + dropped + quarantined.
    static let ledger: [Entry] = [
        lasting.counter("ledger_received", "Frames and messages that were to be frames") {
            $0.snapshot.counters.received
        },
        lasting.counter("ledger_spooled", "Frames made durable") { $0.snapshot.counters.spooled },
        lasting.counters("frames_rejected", labels: ["reason"], isDated: false, "Frames that were not spooled") {
            observation in
            StationCounters.reasons.map { .init([$0], Double(observation.snapshot.counters.rejected[$0] ?? 0)) }
        },
        lasting.counter("ledger_lost_at_crash", "Frames in work when the process ended uncleanly") {
            $0.snapshot.counters.lostAtCrash
        },
        process.gauge("ledger_in_work", "Frames between socket and spool") { Double($0.snapshot.counters.inWork) },
        lasting.counter("ledger_delivered", "Frames that the gateway holds whole") {
            $0.snapshot.counters.spool.delivered
        },
        lasting.counter("ledger_thinned", "Those of them that lack finer layers") {
            $0.snapshot.counters.spool.thinned
        },
        process.gauge("ledger_waiting", "Frames that wait in the spool") { Double($0.snapshot.counters.spool.waiting) },
        lasting.counters("ledger_dropped", labels: ["reason"], isDated: false, "Frames given up, each with a tombstone")
        {
            observation in
            TombstoneReason.drops.map { reason in
                .init(["\(reason)"], Double(observation.snapshot.counters.spool.dropped[reason] ?? 0))
            }
        },
        lasting.counter("ledger_quarantined", "Frames of which the gateway refused a packet") {
            $0.snapshot.counters.spool.quarantined
        },
        process.gauge("ledger_broken", "1 where the ledger does not close") { $0.snapshot.counters.isBalanced ? 0 : 1 },
        process.counters(
            "frames_dropped", labels: ["class"], "Frames given up in this process by class"
        ) {
            observation in
            (0...3).map { priority in
                let drops = observation.snapshot.counters.drops[priority] ?? [:]
                return .init(["\(priority)"], Double(drops.values.reduce(0, +)))
            }
        },
    ]

    static let spool: [Entry] = [
        process.gauge("spool_packets", "Packets that wait") { Double($0.snapshot.spool.served?.heldCount ?? 0) },
        process.gauges("spool_held_bytes", unit: "bytes", labels: ["class"], "Packets that wait") { observation in
            let held = observation.snapshot.spool.served?.heldByPriority ?? []
            return (0...3).map { .init(["\($0)"], Double($0 < held.count ? held[$0] : 0)) }
        },
        process.gauge("spool_bytes", unit: "bytes", "What counts against the quota") { Double($0.snapshot.spool.used) },
        process.gauge("spool_quota_bytes", unit: "bytes", "[spool] quota_bytes") { Double($0.snapshot.spool.quota) },
        process.gauge("spool_disk_free_bytes", unit: "bytes", "What its file system has left") {
            $0.snapshot.system.diskFree.map(Double.init)
        },
        process.gauge(
            "spool_oldest_unacked_timestamp_seconds", unit: "seconds", "When the oldest waiting packet was stored"
        ) {
            seconds($0.snapshot.spool.served?.oldest)
        },
        process.durations(
            "spool_commit_duration", "Time of a commit of the spool, its sync included",
            { $0.snapshot.counters.commitSeconds }),
        process.gauge("spool_busy_seconds", unit: "seconds", "Age of the call that the spool's thread is in") {
            observation in
            let since = observation.snapshot.spool.busySince
            return since.map { Double(observation.snapshot.now.monotonic - $0) / 1_000 } ?? 0
        },
        process.counters(
            "spool_errors", labels: ["reason"], "Failures of the spool: full disk, or one that ends the process"
        ) {
            [
                .init(["full"], Double($0.snapshot.spool.fullErrors)),
                .init(["failed"], $0.snapshot.spool.failure == nil ? 0 : 1),
            ]
        },
        process.counters("epoch_changes", labels: ["reason"], "Epochs begun though the spool was not new") {
            [
                .init(["opened"], Double($0.snapshot.spool.newEpochs)),
                .init(["conflict"], Double($0.snapshot.spool.forks)),
            ]
        },
    ]

    static let link: [Entry] = [
        process.states("link_state", SenderMachine.State.allCases.map(\.rawValue), "Where the link stands") {
            $0.snapshot.link.state.rawValue
        },
        process.counters(
            "link_wire_bytes", unit: "bytes", labels: ["direction"],
            "Everything on the link's connections: ZMTP, CURVE, handshakes, heartbeats, resends; not TCP and IP"
        ) {
            [
                .init(["sent"], Double($0.snapshot.link.wireSent)),
                .init(["received"], Double($0.snapshot.link.wireReceived)),
            ]
        },
        process.counter(
            "link_acknowledged_bytes", unit: "bytes", "Packets that the gateway holds durably, of this process"
        ) {
            $0.snapshot.link.counters.acknowledgedSize
        },
        process.counter("packets_sent", "Packets given to the socket, those sent again included") {
            $0.snapshot.link.counters.sent
        },
        process.counter("packets_resent", "Packets sent again") { $0.snapshot.link.counters.resent },
        process.counter("packets_acked", "Packets acknowledged") { $0.snapshot.link.counters.acknowledged },
        process.counter("packets_refused", "Packets that the gateway refused for good") {
            $0.snapshot.link.counters.rejected
        },
        process.durations(
            "ack_delay", "From a frame's commit to its acknowledgement", { $0.snapshot.counters.acknowledgeSeconds }),
        process.gauge("link_last_ack_timestamp_seconds", unit: "seconds", "When something was last acknowledged") {
            seconds($0.snapshot.link.lastAcknowledged)
        },
        process.gauge("link_round_trip_seconds", unit: "seconds", "Usual time from sending to knowing") {
            $0.snapshot.link.roundTripMilliseconds.map { Double($0) / 1_000 }
        },
        process.gauge("link_credit_bytes", unit: "bytes", "What may be under way") { Double($0.snapshot.link.window) },
        process.gauge("link_in_flight_bytes", unit: "bytes", "What is under way") {
            Double($0.snapshot.link.inFlightSize)
        },
        process.gauge("link_rate", "Octets a second that the line delivers at its best") {
            $0.snapshot.link.deliveryRate.map(Double.init)
        },
        process.counter("link_sessions", "Sessions opened") { $0.snapshot.link.counters.sessions },
        process.counter("link_refusals", "Connections that the gateway refused, or that spoke another protocol") {
            $0.snapshot.link.refusals
        },
    ]

    /// Since the spool began; definitions: Docs/status.md section 1.
    static let saving: [Entry] = [
        lasting.counter("saving_raw_bytes", unit: "bytes", "Samples of delivered frames") {
            $0.snapshot.saving.rawSize
        },
        lasting.counter("saving_packet_bytes", unit: "bytes", "Packets of delivered frames") {
            $0.snapshot.saving.packetSize
        },
        lasting.counter("saving_link_bytes", unit: "bytes", "Everything on the link's connections, both directions") {
            $0.snapshot.saving.linkSize
        },
        process.gauge("saving_native_bytes", unit: "bytes", "Samples of delivered frames, each band on its own grid") {
            SavingFigures($0.snapshot.saving, whole: $0.snapshot.saving).nativeSize
        },
        process.gauge("saving_zstd_bytes", unit: "bytes", "What lossless zstd would have needed, from sampled frames") {
            SavingFigures($0.snapshot.saving, whole: $0.snapshot.saving).zstdSize
        },
        process.gauge("saving_ratio", unit: "ratio", "1 - link bytes / raw bytes of delivered frames") { observation in
            let saving = observation.snapshot.saving
            return saving.rawSize > 0 ? 1 - Double(saving.linkSize) / Double(saving.rawSize) : nil
        },
        process.gauge(
            "saving_payload_ratio", unit: "ratio", "1 - packet bytes / raw bytes: what the codec did, not the line"
        ) {
            let saving = $0.snapshot.saving
            return saving.rawSize > 0 ? 1 - Double(saving.packetSize) / Double(saving.rawSize) : nil
        },
    ]
}
