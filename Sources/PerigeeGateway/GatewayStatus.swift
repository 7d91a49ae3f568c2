internal import Glibc
internal import PerigeeCore
internal import PerigeeJSON
internal import PerigeeLink
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
    /// Packets of DATA that came, and their octets.
    public var packets = 0
    public var size = 0
    /// What became of them.
    public var stored = 0
    public var duplicates = 0
    public var conflicts = 0
    public var rejected = 0
    /// Tombstones filed, and the numbers they stand for.
    public var tombstones = 0
    public var buriedNumbers: UInt64 = 0
    /// Numbers that stations hold no more, without packet or tombstone here: nobody explains them.
    public var gaps: UInt64 = 0
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

    mutating func add(_ counters: ReceiverMachine.Counters) {
        packets += counters.packets
        size += counters.size
        stored += counters.stored
        duplicates += counters.duplicates
        conflicts += counters.conflicts
        rejected += counters.rejected
        tombstones += counters.tombstones
        buriedNumbers += counters.buriedNumbers
        gaps += counters.gaps
    }

    /// What the status file says.
    func json(now: Timestamp) -> JSONValue {
        .object([
            "time": .string(now.rfc3339), "endpoint": .string(endpoint),
            "state": .string(isStopping ? "stopping" : "running"), "sessions_opened": .integer(sessionsOpened),
            "packets": .integer(packets), "octets": .integer(size), "stored": .integer(stored),
            "duplicates": .integer(duplicates), "conflicts": .integer(conflicts), "rejected": .integer(rejected),
            "tombstones": .integer(tombstones), "buried_numbers": .integer(Int(clamping: buriedNumbers)),
            "gaps": .integer(Int(clamping: gaps)), "strange_messages": .integer(strangeMessages),
            "wire_octets_received": .integer(wireReceived), "wire_octets_sent": .integer(wireSent),
            "failed_greetings": .integer(failedGreetings), "denied_messages": .integer(deniedMessages),
            "keys": list.map(Self.json) ?? .null, "sessions": .array(sessions.map(\.json)),
        ])
    }

    private static func json(_ list: AllowList.Snapshot) -> JSONValue {
        .object([
            "stations": .integer(list.names.count), "connections_admitted": .integer(list.admitted),
            "connections_denied": .integer(list.denied), "problems": .array(list.problems.map { .string($0) }),
        ])
    }

    /// Puts the file in place whole: readers see the old one or the new one. False where that fails.
    static func write(_ text: String, to path: String) -> Bool {
        let temporary = "\(path).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        let isWhole = Glibc.write(file, text, text.utf8.count) == text.utf8.count
        close(file)
        return isWhole && rename(temporary, path) == 0
    }
}
