internal import PerigeeArchive
internal import PerigeeCore
package import PerigeeMetrics
internal import PerigeeService
internal import PerigeeTransport

/// The gateway's metrics: one table that declares them and says where their values come from. Docs/metrics.md is made from it.
package enum GatewayMetrics {
    typealias Entry = MetricEntry<GatewayObservation>

    /// Stations with a label of their own.
    static let stationLimit = 64

    /// All metrics, in the order of the text.
    package static var families: [MetricFamily] { table.map(\.family) }

    static func values(_ observation: GatewayObservation) -> [MetricValues] { table.map { $0.values(observation) } }

    private static let table = about + packets + wire + stations

    private static let process = MetricTable<GatewayObservation>(prefix: "perigee_gateway_") {
        Double($0.started.milliseconds) / 1_000
    }

    private static let about: [Entry] = [
        process.info("build", labels: ["version"], "Release of the program") { _ in [Release.version] },
        process.gauge("start_timestamp_seconds", unit: "seconds", "When the process began") {
            Double($0.started.milliseconds) / 1_000
        },
        process.gauge("memory_bytes", unit: "bytes", "Resident memory") { $0.system.memory.map(Double.init) },
        process.gauge("disk_free_bytes", unit: "bytes", "What the archive's file system has left") {
            $0.system.diskFree.map(Double.init)
        },
        process.gauge(
            "clock_synchronised", "1 where the kernel's clock is kept in time; absent where it may not be asked"
        ) {
            $0.system.isClockSynchronised.map { $0 ? 1 : 0 }
        },
        process.gauges("alerts", labels: ["alert"], "Alerts of status.json that last, each by its name") {
            $0.alerts.counts(of: GatewayAlerts.names)
        },
    ]

    private static let packets: [Entry] = [
        process.counter("packets_received", "Packets that came") { $0.status.counters.packets },
        process.counter("packet_bytes", unit: "bytes", "Octets of packets that came") { $0.status.counters.size },
        process.counters("packets", labels: ["outcome"], "What became of them") { observation in
            let counters = observation.status.counters
            return [
                .init(["stored"], Double(counters.stored)), .init(["duplicate"], Double(counters.duplicates)),
                .init(["conflict"], Double(counters.conflicts)), .init(["rejected"], Double(counters.rejected)),
            ]
        },
        process.counter("stored_bytes", unit: "bytes", "Octets of packets that were filed") {
            $0.status.counters.storedSize
        },
        process.counter("tombstones", "Tombstones filed") { $0.status.counters.tombstones },
        process.counter("buried_numbers", "Numbers that tombstones explain") {
            Int(clamping: $0.status.counters.buriedNumbers)
        },
        process.counter("gaps", "Numbers that nobody holds and no tombstone explains") {
            Int(clamping: $0.status.counters.gaps)
        },
        process.gauges("wants", labels: ["state"], "Wants of operators, and of frames that wait") { observation in
            ArchiveWant.State.allCases.map { .init([$0.rawValue], Double(observation.status.wants[$0] ?? 0)) }
        },
        process.gauges(
            "undecodable_frames", labels: ["reason"],
            "Frames that cannot be decoded for want of what they were predicted from"
        ) { observation in
            let counts = observation.status.references ?? ReferenceCounts()
            return [
                .init(["waiting_for_reference"], Double(counts.waiting)),
                .init(["reference_differs"], Double(counts.differing)), .init(["given_up"], Double(counts.lost)),
            ]
        },
        process.counter("frames_fetched", "Frames whose references came when they were asked for") {
            $0.status.references?.fetched ?? 0
        },
        process.counter("frames_replaced", "Frames that came once more without references") {
            $0.status.references?.replaced ?? 0
        },
    ]

    private static let wire: [Entry] = [
        process.counters(
            "wire_bytes", unit: "bytes", labels: ["direction"],
            "Everything on the connections of stations, of strangers too; not TCP and IP"
        ) {
            [.init(["sent"], Double($0.status.wireSent)), .init(["received"], Double($0.status.wireReceived))]
        },
        process.gauge("sessions", "Sessions now") { Double($0.status.sessions.count) },
        process.counter("sessions_opened", "Sessions opened") { $0.status.sessionsOpened },
        process.counter("failed_greetings", "Connections that ended before their greeting was done") {
            $0.status.failedGreetings
        },
        process.counter("denied_messages", "Messages of stations that are on the list no more, or spoke for another") {
            $0.status.deniedMessages
        },
        process.counter("strange_messages", "Messages that do not parse, or of unknown sessions") {
            $0.status.strangeMessages
        },
        process.counters("connections", labels: ["result"], "Connections by what their key was worth") { observation in
            [
                .init(["admitted"], Double(observation.status.list?.admitted ?? 0)),
                .init(["denied"], Double(observation.status.list?.denied ?? 0)),
            ]
        },
    ]

    /// By name; those behind the first 64 have no series of their own.
    private static func each(
        _ observation: GatewayObservation, _ value: (GatewayStatus.Station) -> Double?
    ) -> [MetricValues.Sample] {
        observation.status.stations.prefix(stationLimit).compactMap { station in
            value(station).map { .init([station.name], $0) }
        }
    }

    private static let stations: [Entry] = [
        process.gauge("stations", "Stations that said HELLO since the start") { Double($0.status.stations.count) },
        process.gauges("station_connected", labels: ["station"], "1 where it has a session") {
            each($0) { $0.isConnected ? 1 : 0 }
        },
        process.gauges(
            "station_last_contact_timestamp_seconds", unit: "seconds", labels: ["station"], "When it last said anything"
        ) { each($0) { Double($0.lastHeard.milliseconds) / 1_000 } },
        process.gauges("station_backlog_packets", labels: ["station"], "What waits there, as it last said") {
            each($0) { Double($0.queuedPackets) }
        },
        process.gauges(
            "station_backlog_bytes", unit: "bytes", labels: ["station"], "What waits there, as it last said"
        ) { each($0) { Double($0.queuedSize) } },
        process.counters(
            "station_stored_bytes", unit: "bytes", labels: ["station"], isDated: false, "Octets of its packets filed"
        ) { each($0) { Double($0.counters.storedSize) } },
        process.counters("station_gaps", labels: ["station"], isDated: false, "Its numbers that nobody explains") {
            each($0) { Double($0.counters.gaps) }
        },
    ]
}
