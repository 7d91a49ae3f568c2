internal import PerigeeCore

/// The gateway's end of one session, a pure value. Source: Docs/link-protocol.md section 4.
///
/// It begins when the committed index has answered HELLO, and says only what a commit has made true.
public struct ReceiverMachine: Sendable {
    /// What the gateway grants. Times in milliseconds.
    public struct Configuration: Sendable {
        public var credit = Credit(packets: 256, size: 256 << 10)
        public var batchSize = 16 << 10
        /// How long an ACK may wait for more commits; a quarter of the credit does not wait.
        public var acknowledgeMilliseconds: Int64 = 50
        /// A session that is silent for so long is forgotten.
        public var silenceMilliseconds: Int64 = 90_000
        /// Ranges of numbers above the cumulative one that are remembered.
        public var rangeLimit = 1_024

        /// The defaults above.
        public init() {}
    }

    /// What became of a packet that was given to the archive.
    public enum Outcome: Equatable, Sendable {
        case stored
        /// It was there with the same checksum.
        case duplicate
        /// Another packet was there under its number.
        case conflict
    }

    /// What the caller does, in order.
    public enum Action: Equatable, Sendable {
        /// One message to this session's peer.
        case send(LinkMessage)
        /// Archive this packet, then tell `committed`.
        case store(number: UInt64, packet: ArraySlice<UInt8>)
        /// The session is over; a BYE was sent where it helps.
        case end(ByeReason?)
    }

    /// What it saw so far.
    public struct Counters: Equatable, Sendable {
        public var packets = 0
        public var size = 0
        public var stored = 0
        public var duplicates = 0
        /// Numbers that the station gave up on, or settled elsewhere, and that are not here.
        public var gaps: UInt64 = 0
        public var rejected = 0
        public var conflicts = 0
    }

    public let session: UInt32
    private let configuration: Configuration
    private var durable: SequenceSet
    /// Sizes of packets given to the archive and not yet committed.
    private var pending: [UInt64: Int] = [:]
    private var pendingSize = 0
    private var rejectedNumbers: Set<UInt64> = []
    private var newlyDurableSize = 0
    private var acknowledgeDue: Int64?
    private var lastHeard: Int64
    private var isEnded = false
    public private(set) var counters = Counters()

    /// A session for a station whose numbers in `durable` the archive holds; the second value is the WELCOME.
    public static func open(
        _ hello: LinkMessage.Hello, session: UInt32, durable: SequenceSet, configuration: Configuration, now: LinkTime
    ) -> (machine: ReceiverMachine, welcome: LinkMessage) {
        var machine = ReceiverMachine(
            session: session, durable: durable, configuration: configuration, now: now.monotonic)
        machine.counters.gaps += machine.durable.raise(lowest: hello.lowest)
        let welcome = LinkMessage.Welcome(
            greeting: hello.greeting, session: session, acknowledgement: machine.durable.acknowledgement,
            credit: configuration.credit, batchSize: configuration.batchSize, time: now.utc)
        return (machine, .welcome(welcome))
    }

    private init(session: UInt32, durable: SequenceSet, configuration: Configuration, now: Int64) {
        self.session = session
        self.durable = durable
        self.configuration = configuration
        lastHeard = now
    }

    /// Packets and octets that wait for the archive.
    public var waiting: (packets: Int, size: Int) { (pending.count, pendingSize) }

    /// What is durable now.
    public var acknowledgement: Acknowledgement { durable.acknowledgement }

    /// When it wants `tick` next, on the monotonic clock.
    public var deadline: Int64 {
        min(acknowledgeDue ?? .max, lastHeard + configuration.silenceMilliseconds)
    }

    /// Takes a message of this session.
    public mutating func receive(_ message: LinkMessage, now: LinkTime) -> [Action] {
        guard !isEnded else { return [] }
        lastHeard = now.monotonic
        switch message {
        case .data(let batch) where batch.session == session: return take(batch)
        case .ping(let ping) where ping.session == session:
            giveUp(below: ping.lowest)
            return [
                .send(.pong(LinkMessage.Pong(session: session, nonce: ping.nonce, time: now.utc))), acknowledge(),
            ]
        case .bye(let bye) where bye.session == session: return end(nil)
        case .tombstone, .answer, .fetch, .bundle: return []
        default: return end(.violation)
        }
    }

    /// Takes what the archive made of packets it was given, after its commit.
    public mutating func committed(_ outcomes: [(number: UInt64, outcome: Outcome)], now: LinkTime) -> [Action] {
        guard !isEnded else { return [] }
        var actions: [Action] = []
        for (number, outcome) in outcomes {
            let size = pending.removeValue(forKey: number) ?? 0
            pendingSize -= size
            newlyDurableSize += size
            switch outcome {
            case .stored: counters.stored += 1
            case .duplicate: counters.duplicates += 1
            case .conflict:
                counters.conflicts += 1
                actions.append(reject(number, .conflict, "number"))
                continue
            }
            durable.insert(number)
        }
        let isUrgent = newlyDurableSize >= configuration.credit.size / 4 || pending.isEmpty
        if isUrgent {
            actions.append(acknowledge())
        } else if acknowledgeDue == nil {
            acknowledgeDue = now.monotonic + configuration.acknowledgeMilliseconds
        }
        return actions
    }

    /// Lets time pass.
    public mutating func tick(now: LinkTime) -> [Action] {
        guard !isEnded else { return [] }
        if now.monotonic >= lastHeard + configuration.silenceMilliseconds { return end(nil) }
        if let acknowledgeDue, now.monotonic >= acknowledgeDue { return [acknowledge()] }
        return []
    }

    /// Ends the session from this side.
    public mutating func close(_ reason: ByeReason) -> [Action] { isEnded ? [] : end(reason) }

    private mutating func take(_ batch: LinkMessage.DataBatch) -> [Action] {
        giveUp(below: batch.lowest)
        var actions: [Action] = []
        for item in batch.items {
            let size = item.packet.count
            guard pending[item.number] == nil else {
                counters.duplicates += 1
                continue
            }
            guard pending.count < configuration.credit.packets, pendingSize + size <= configuration.credit.size,
                durable.ranges.count < configuration.rangeLimit, rejectedNumbers.count < configuration.rangeLimit
            else { return actions + end(.violation) }
            counters.packets += 1
            counters.size += size
            if let fault = PacketCheck.fault(item.packet) {
                actions.append(reject(item.number, fault.code, fault.field))
                continue
            }
            pending[item.number] = size
            pendingSize += size
            actions.append(.store(number: item.number, packet: item.packet))
        }
        return actions
    }

    private mutating func reject(_ number: UInt64, _ code: RejectCode, _ field: String) -> Action {
        counters.rejected += 1
        rejectedNumbers.insert(number)
        return .send(.reject(LinkMessage.Reject(session: session, number: number, code: code, field: field)))
    }

    /// The station needs no word about lower numbers any more; those that are missing and were not rejected are gaps.
    private mutating func giveUp(below lowest: UInt64) {
        let missing = durable.raise(lowest: lowest)
        let explained = rejectedNumbers.count { $0 < lowest }
        rejectedNumbers = rejectedNumbers.filter { $0 >= lowest }
        counters.gaps += missing - min(missing, UInt64(explained))
    }

    private mutating func acknowledge() -> Action {
        acknowledgeDue = nil
        newlyDurableSize = 0
        return .send(
            .ack(
                LinkMessage.Ack(
                    session: session, acknowledgement: durable.acknowledgement, credit: configuration.credit)))
    }

    private mutating func end(_ reason: ByeReason?) -> [Action] {
        isEnded = true
        guard let reason else { return [.end(nil)] }
        return [.send(.bye(LinkMessage.Bye(session: session, reason: reason))), .end(reason)]
    }
}
