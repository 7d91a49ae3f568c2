public import PerigeeCore

/// One message of the link. Source: Docs/link-protocol.md section 2.
public enum LinkMessage: Equatable, Sendable {
    case hello(Hello)
    case welcome(Welcome)
    case data(DataBatch)
    case ack(Ack)
    case reject(Reject)
    case ping(Ping)
    case pong(Pong)
    case bye(Bye)
    case tombstone(TombstoneBatch)
    case want(Want)
    case answer(Answer)
    case offer(Offer)
    case fetch(Fetch)
    case piece(Piece)
    case bundle(BundleReport)
}

/// How far a clock can be trusted.
public enum ClockQuality: UInt8, Sendable {
    case unknown, free, network, satellite
}

/// Why a packet can never be stored.
public enum RejectCode: UInt8, Sendable, CaseIterable {
    case checksum = 1
    case size, conflict, malformed
}

/// Why a session ends.
public enum ByeReason: UInt8, Sendable {
    case superseded = 1
    case draining, unknownSession, violation, version, full
    /// The key is not, or no more, that of the station it speaks for.
    case denied
}

/// How much a station may have in flight.
public struct Credit: Equatable, Sendable {
    public var packets: Int
    /// Octets of packets.
    public var size: Int

    /// See the properties; `LinkLimit` bounds both.
    public init(packets: Int, size: Int) {
        self.packets = packets
        self.size = size
    }
}

/// Which octets stand under a number.
public struct PacketDigest: Equatable, Sendable {
    /// 1 or more.
    public var number: UInt64
    /// The packet's own checksum, its last four octets. (The CRC of a whole packet, checksum included, is the same for all.)
    public var checksum: UInt32

    /// See the properties.
    public init(number: UInt64, checksum: UInt32) {
        self.number = number
        self.checksum = checksum
    }

    /// That of a packet's octets.
    public init(number: UInt64, packet: some BidirectionalCollection<UInt8>) {
        self.init(number: number, checksum: packet.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
}

extension LinkMessage {
    /// The first message of a session: who speaks and what it holds.
    public struct Hello: Equatable, Sendable {
        public var firstVersion = LinkLimit.version
        public var lastVersion = LinkLimit.version
        public var station: StationName
        public var epoch: Epoch
        /// New at each start of the station's process.
        public var boot: UInt64
        /// New in each HELLO; the WELCOME repeats it.
        public var greeting: UInt32
        public var lowest: UInt64
        public var highest: UInt64
        public var clockQuality = ClockQuality.unknown
        public var time = Timestamp(milliseconds: 0)
        /// Firmware that the station encodes with.
        public var firmware: [UInt32] = []

        /// See the properties.
        public init(
            station: StationName, epoch: Epoch, boot: UInt64, greeting: UInt32, lowest: UInt64, highest: UInt64
        ) {
            self.station = station
            self.epoch = epoch
            self.boot = boot
            self.greeting = greeting
            self.lowest = lowest
            self.highest = highest
        }
    }

    /// The answer to HELLO: what is durable, and how much may be in flight.
    public struct Welcome: Equatable, Sendable {
        public var greeting: UInt32
        public var session: UInt32
        public var acknowledgement: Acknowledgement
        public var credit: Credit
        /// Octets that the packets of one DATA may hold together.
        public var batchSize: Int
        public var time: Timestamp
        /// The highest durable packet, by which the station sees whether it is its own.
        public var check: PacketDigest?

        /// See the properties.
        public init(
            greeting: UInt32, session: UInt32, acknowledgement: Acknowledgement, credit: Credit, batchSize: Int,
            time: Timestamp, check: PacketDigest? = nil
        ) {
            self.greeting = greeting
            self.session = session
            self.acknowledgement = acknowledgement
            self.credit = credit
            self.batchSize = batchSize
            self.time = time
            self.check = check
        }
    }

    /// Packets with their numbers.
    public struct DataBatch: Equatable, Sendable {
        /// One packet, opaque to the link.
        public struct Item: Equatable, Sendable {
            public var number: UInt64
            /// It was sent before, perhaps in vain.
            public var isResent: Bool
            public var packet: ArraySlice<UInt8>

            /// See the properties.
            public init(number: UInt64, isResent: Bool, packet: ArraySlice<UInt8>) {
                self.number = number
                self.isResent = isResent
                self.packet = packet
            }
        }
        public var session: UInt32
        public var lowest: UInt64
        /// Ascending numbers, 1 to `LinkLimit.batchPackets` of them.
        public var items: [Item]

        /// See the properties.
        public init(session: UInt32, lowest: UInt64, items: [Item]) {
            self.session = session
            self.lowest = lowest
            self.items = items
        }
    }

    /// What is durable now.
    public struct Ack: Equatable, Sendable {
        public var session: UInt32
        public var acknowledgement: Acknowledgement
        public var credit: Credit

        /// See the properties.
        public init(session: UInt32, acknowledgement: Acknowledgement, credit: Credit) {
            self.session = session
            self.acknowledgement = acknowledgement
            self.credit = credit
        }
    }

    /// A packet that will never be stored.
    public struct Reject: Equatable, Sendable {
        public var session: UInt32
        public var number: UInt64
        public var code: RejectCode
        /// The field at fault, for the operator.
        public var field: String

        /// See the properties.
        public init(session: UInt32, number: UInt64, code: RejectCode, field: String) {
            self.session = session
            self.number = number
            self.code = code
            self.field = field
        }
    }

    /// What a station counts of its own saving, for the gateway to show. All 0 where nobody told it.
    public struct Account: Equatable, Sendable {
        /// Frames that the gateway holds, their samples and packets, and all octets of the link, since the spool began.
        public var frames = 0
        public var rawSize = 0
        public var packetSize = 0
        public var linkSize = 0
        /// Of the last delivered frames, from their commit to their acknowledgement: half of them, and 99 of 100, took no longer.
        public var medianMilliseconds = 0
        public var slowMilliseconds = 0

        /// All 0.
        public init() {}
    }

    /// Asks for a sign of life, and tells how much waits.
    public struct Ping: Equatable, Sendable {
        public var session: UInt32
        public var nonce: UInt32
        public var time: Timestamp
        public var queuedPackets: Int
        public var queuedSize: Int
        public var oldestAgeMilliseconds: Int
        public var lowest: UInt64
        public var highest: UInt64
        public var account = Account()

        /// See the properties.
        public init(
            session: UInt32, nonce: UInt32, time: Timestamp, queuedPackets: Int, queuedSize: Int,
            oldestAgeMilliseconds: Int, lowest: UInt64, highest: UInt64
        ) {
            self.session = session
            self.nonce = nonce
            self.time = time
            self.queuedPackets = queuedPackets
            self.queuedSize = queuedSize
            self.oldestAgeMilliseconds = oldestAgeMilliseconds
            self.lowest = lowest
            self.highest = highest
        }
    }

    /// The sign of life.
    public struct Pong: Equatable, Sendable {
        public var session: UInt32
        public var nonce: UInt32
        public var time: Timestamp

        /// See the properties.
        public init(session: UInt32, nonce: UInt32, time: Timestamp) {
            self.session = session
            self.nonce = nonce
            self.time = time
        }
    }

    /// The end of a session.
    public struct Bye: Equatable, Sendable {
        public var session: UInt32
        public var reason: ByeReason

        /// See the properties.
        public init(session: UInt32, reason: ByeReason) {
            self.session = session
            self.reason = reason
        }
    }
}
