public import PerigeeArchive
internal import PerigeeCore
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeService
public import PerigeeTransport

/// What a gateway did since its start, and whom it serves now.
public struct GatewayStatus: Equatable, Sendable {
    /// One session.
    public struct Session: Equatable, Sendable {
        public var station: String
        public var epoch: String
        public var cumulative: UInt64
        public var waitingPackets: Int
        public var waitingSize: Int

        var json: JSONValue {
            .object([
                "station": .string(station), "epoch": .string(epoch), "cumulative": .integer(Int(clamping: cumulative)),
                "waiting_packets": .integer(waitingPackets), "waiting_octets": .integer(waitingSize),
            ])
        }
    }

    public var endpoint = ""
    public var sessions: [Session] = []
    public var sessionsOpened = 0
    /// What all stations sent, also those that the gateway knows no more.
    public var counters = GatewayCounters()
    /// Each station that said HELLO since the start, by name.
    public var stations: [Station] = []
    /// Wants in the archive's folder, by their state.
    public var wants: [ArchiveWant.State: Int] = [:]
    /// Frames that wait for others; nil before the archive was looked at.
    public var references: ReferenceCounts?
    /// Messages that do not parse, are of unknown sessions, or exceed their limits.
    public var strangeMessages = 0
    /// Connections that ended before their greeting was done: no ZMTP, no CURVE, or the key of another gateway.
    public var failedGreetings = 0
    /// Messages of stations that are on the list no more, or that spoke for another one.
    public var deniedMessages = 0
    /// The list of stations; nil where everybody is served.
    public var list: AllowList.Snapshot?
    /// Octets on the wire by ZMTP's framing.
    public var wireReceived = 0
    public var wireSent = 0
    public var isStopping = false
    /// Which configuration is in force, and why the last one was refused.
    var configuration = JSONValue.null
    var configurationError: String?
    /// What is offered to stations, and how far they are.
    var firmware = JSONValue.null

    /// One line for people.
    var summary: String {
        let connected = stations.count { $0.isConnected }
        let backlog = ServiceText.backlog(
            packets: sessions.reduce(0) { $0 + $1.waitingPackets }, size: sessions.reduce(0) { $0 + $1.waitingSize })
        return "\(connected) of \(stations.count) stations connected, \(backlog) for the disk"
    }

    /// What the status file says of it, besides the stations.
    var members: [JSONValue.Member] {
        let head: [JSONValue.Member] = [
            .init("configuration", configuration), .init("sessions_opened", .integer(sessionsOpened)),
        ]
        let tail: [JSONValue.Member] = [
            .init("strange_messages", .integer(strangeMessages)),
            .init("wire_octets_received", .integer(wireReceived)), .init("wire_octets_sent", .integer(wireSent)),
            .init("failed_greetings", .integer(failedGreetings)), .init("denied_messages", .integer(deniedMessages)),
            .init("keys", list.map(Self.json) ?? .null), .init("firmware", firmware),
            .init("sessions", .array(sessions.map(\.json))),
            .init(
                "wants",
                .object(ArchiveWant.State.allCases.map { .init($0.rawValue, .integer(wants[$0] ?? 0)) })),
            .init("references", references?.json ?? .null),
        ]
        return head + counters.members + tail
    }

    private static func json(_ list: AllowList.Snapshot) -> JSONValue {
        .object([
            "stations": .integer(list.names.count), "connections_admitted": .integer(list.admitted),
            "connections_denied": .integer(list.denied), "problems": .array(list.problems.map { .string($0) }),
        ])
    }
}
