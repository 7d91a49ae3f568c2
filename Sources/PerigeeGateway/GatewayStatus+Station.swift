public import PerigeeCore
internal import PerigeeJSON
public import PerigeeLink

/// What came, and what became of it.
public struct GatewayCounters: Equatable, Sendable {
    /// Packets of DATA that came, and their octets.
    public var packets = 0
    public var size = 0
    /// What became of them.
    public var stored = 0
    /// Octets of those that were stored.
    public var storedSize = 0
    public var duplicates = 0
    public var conflicts = 0
    public var rejected = 0
    /// Tombstones filed, and the numbers they stand for.
    public var tombstones = 0
    public var buriedNumbers: UInt64 = 0
    /// Numbers that stations hold no more, without packet or tombstone here: nobody explains them.
    public var gaps: UInt64 = 0

    mutating func add(_ counters: ReceiverMachine.Counters) {
        packets += counters.packets
        size += counters.size
        stored += counters.stored
        storedSize += counters.storedSize
        duplicates += counters.duplicates
        conflicts += counters.conflicts
        rejected += counters.rejected
        tombstones += counters.tombstones
        buriedNumbers += counters.buriedNumbers
        gaps += counters.gaps
    }

    var members: [JSONValue.Member] {
        [
            .init("packets", .integer(packets)), .init("octets", .integer(size)), .init("stored", .integer(stored)),
            .init("duplicates", .integer(duplicates)), .init("conflicts", .integer(conflicts)),
            .init("rejected", .integer(rejected)), .init("tombstones", .integer(tombstones)),
            .init("buried_numbers", .integer(Int(clamping: buriedNumbers))),
            .init("gaps", .integer(Int(clamping: gaps))),
        ]
    }
}

extension GatewayStatus {
    /// One station since the gateway's start.
    public struct Station: Equatable, Sendable {
        public var name: String
        /// That of its last session, in hexadecimal; empty before the first.
        public var epoch = ""
        public var isConnected = false
        public var lastHeard = Timestamp(milliseconds: 0)
        public var sessionsOpened = 0
        /// HELLOs that were answered with BYE: too many, or of the older of two stations with one name.
        public var refusedGreetings = 0
        /// How often another start of a station that had been replaced came back, and whether that was in the last ten minutes.
        public var identityConflicts = 0
        public var isInConflict = false
        public var counters = GatewayCounters()
        /// Octets that wait for the disk, of living and ended sessions.
        public var waitingSize = 0
        /// What its last PING said waits at the station.
        public var queuedPackets = 0
        public var queuedSize = 0
        public var oldestAgeMilliseconds = 0
        /// What it counts itself.
        public var account = LinkMessage.Account()
        /// Wants of it that are not answered for good.
        public var wants = 0

        init(name: String) { self.name = name }

        /// Of its object in status.json.
        var members: [JSONValue.Member] {
            let head: [JSONValue.Member] = [
                .init("name", .string(name)), .init("epoch", .string(epoch)),
                .init("connected", .bool(isConnected)), .init("last_contact", .string(lastHeard.rfc3339)),
                .init("sessions_opened", .integer(sessionsOpened)),
                .init("refused_greetings", .integer(refusedGreetings)),
                .init("identity_conflicts", .integer(identityConflicts)),
                .init("identity_conflict", .bool(isInConflict)),
            ]
            let tail: [JSONValue.Member] = [
                .init("waiting_octets", .integer(waitingSize)), .init("backlog_packets", .integer(queuedPackets)),
                .init("backlog_bytes", .integer(queuedSize)),
                .init("backlog_oldest_seconds", .number(Double(oldestAgeMilliseconds) / 1_000)),
                .init("wants", .integer(wants)),
            ]
            return head + counters.members + tail
        }
    }
}
