public import PerigeeCore

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
        /// Ranges of numbers above the cumulative one that are remembered; what is forgotten beyond them stays durable.
        public var rangeLimit = 65_536
        /// Tombstones that may wait for the archive.
        public var tombstoneLimit = 1_024
        /// Octets of packets a second that a station may send for long, at least 2,048; nil: as many as it likes. Credit shrinks to five
        /// seconds of it, and acknowledgements wait until what came is paid for.
        public var intakeLimit: Int?

        /// The credit that stations are told.
        public var grantedCredit: Credit {
            let size = intakeLimit.map { min(credit.size, max(LinkLimit.packet, $0 * 5)) } ?? credit.size
            return Credit(packets: credit.packets, size: size)
        }

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
        /// Archive this tombstone, then tell `buried`.
        case bury(Tombstone)
        /// What the station makes of a WANT.
        case answered(LinkMessage.Answer)
        /// The session is over; a BYE was sent where it helps.
        case end(ByeReason?)
    }

    /// What it saw so far.
    public struct Counters: Equatable, Sendable {
        public var packets = 0
        public var size = 0
        public var stored = 0
        /// Octets of those that were stored.
        public var storedSize = 0
        public var duplicates = 0
        /// Tombstones that became durable, and the numbers they stand for.
        public var tombstones = 0
        public var buriedNumbers: UInt64 = 0
        /// Numbers that the station says it holds no more, and of which neither packet nor tombstone is here: nobody explains them.
        public var gaps: UInt64 = 0
        public var rejected = 0
        public var conflicts = 0
    }

    public let session: UInt32
    private var configuration: Configuration
    private var credit: Credit
    /// The most octets that were granted: a station may still send by a credit that is smaller since.
    private var granted: Int
    private var durable: SequenceSet
    /// Where `durable` does not know all; what lies above may be durable too.
    private var forgottenFrom = UInt64.max
    private var choice = AcknowledgementChoice()
    /// Sizes of packets given to the archive and not yet committed.
    private var pending: [UInt64: Int] = [:]
    private var pendingSize = 0
    private var pendingTombstones: [Tombstone] = []
    private var rejectedNumbers: Set<UInt64> = []
    private var newlyDurableSize = 0
    private var acknowledgeDue: Int64?
    /// When everything that came is paid for at the rate of `intakeLimit`.
    private var intakePaid: Int64 = .min
    private var lastHeard: Int64
    private var isEnded = false
    public private(set) var counters = Counters()

    /// A session for a station whose numbers in `durable` the archive holds; the second value is the WELCOME, which names the lowest
    /// ranges. `newest`: numbers that may have become durable without the station hearing of it, an ACK at once names those. `check`: the highest packet there is.
    public static func open(
        _ hello: LinkMessage.Hello, session: UInt32, durable: SequenceSet, newest: [Range<UInt64>] = [],
        check: PacketDigest? = nil, configuration: Configuration, now: LinkTime
    ) -> (machine: ReceiverMachine, welcome: LinkMessage) {
        var machine = ReceiverMachine(
            session: session, durable: durable, configuration: configuration, now: now.monotonic)
        machine.counters.gaps += machine.raise(below: hello.lowest)
        let known = machine.durable
        let acknowledgement = Acknowledgement(
            cumulative: known.cumulative, ranges: Array(known.ranges.prefix(LinkLimit.ranges)))
        for range in newest where !acknowledgement.contains(range.lowerBound) {
            machine.choice.add(range.lowerBound)
        }
        let welcome = LinkMessage.Welcome(
            greeting: hello.greeting, session: session, acknowledgement: acknowledgement, credit: machine.credit,
            batchSize: configuration.batchSize, time: now.utc, check: check)
        if machine.choice.hasMore { machine.acknowledgeDue = now.monotonic }
        return (machine, .welcome(welcome))
    }

    private init(session: UInt32, durable: SequenceSet, configuration: Configuration, now: Int64) {
        self.session = session
        self.durable = durable
        self.configuration = configuration
        credit = configuration.grantedCredit
        granted = credit.size
        lastHeard = now
        // an index that was asked for so many ranges and no more may know others
        if durable.ranges.count + 1 >= configuration.rangeLimit, let last = durable.ranges.last {
            forgottenFrom = last.upperBound
        }
    }

    /// Another rate for the long run; the station hears of its credit with the next acknowledgement.
    public mutating func limitIntake(to octetsPerSecond: Int?) {
        configuration.intakeLimit = octetsPerSecond
        credit = configuration.grantedCredit
        granted = max(granted, credit.size)
    }

    /// Packets and octets that wait for the archive.
    public var waiting: (packets: Int, size: Int) { (pending.count, pendingSize) }

    /// Every number up to it is durable, or the station holds it no more.
    public var cumulative: UInt64 { durable.cumulative }

    /// When it wants `tick` next, on the monotonic clock.
    public var deadline: Int64 {
        min(acknowledgeDue ?? .max, lastHeard + configuration.silenceMilliseconds)
    }

    /// Takes a message of this session.
    public mutating func receive(_ message: LinkMessage, now: LinkTime) -> [Action] {
        guard !isEnded else { return [] }
        lastHeard = now.monotonic
        switch message {
        case .data(let batch) where batch.session == session: return take(batch, now)
        case .tombstone(let batch) where batch.session == session: return take(batch, now)
        case .answer(let answer) where answer.session == session: return [.answered(answer)]
        case .ping(let ping) where ping.session == session:
            giveUp(below: ping.lowest)
            let pong = LinkMessage.Pong(session: session, nonce: ping.nonce, time: now.utc)
            return [.send(.pong(pong))] + acknowledge(by: now.monotonic, now)
        case .bye(let bye) where bye.session == session: return end(nil)
        case .fetch, .bundle: return []
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
            case .stored:
                counters.stored += 1
                counters.storedSize += size
            case .duplicate: counters.duplicates += 1
            case .conflict:
                counters.conflicts += 1
                actions.append(reject(number, .conflict, "number"))
                continue
            }
            settle(number..<number + 1)
        }
        return actions + acknowledgeCommit(now)
    }

    /// Takes tombstones that the archive was given, after its commit.
    public mutating func buried(_ tombstones: [Tombstone], now: LinkTime) -> [Action] {
        guard !isEnded else { return [] }
        for tombstone in tombstones {
            if let index = pendingTombstones.firstIndex(of: tombstone) { pendingTombstones.remove(at: index) }
            counters.tombstones += 1
            counters.buriedNumbers += tombstone.numbers.upperBound - tombstone.numbers.lowerBound
            settle(tombstone.numbers)
        }
        return acknowledgeCommit(now)
    }

    /// Lets time pass.
    public mutating func tick(now: LinkTime) -> [Action] {
        guard !isEnded else { return [] }
        if now.monotonic >= lastHeard + configuration.silenceMilliseconds { return end(nil) }
        if let acknowledgeDue, now.monotonic >= acknowledgeDue { return acknowledge(by: now.monotonic, now) }
        return []
    }

    /// Ends the session from this side.
    public mutating func close(_ reason: ByeReason) -> [Action] { isEnded ? [] : end(reason) }

    private mutating func take(_ batch: LinkMessage.DataBatch, _ now: LinkTime) -> [Action] {
        giveUp(below: batch.lowest)
        var actions: [Action] = []
        for item in batch.items {
            let size = item.packet.count
            guard pending[item.number] == nil else {
                counters.duplicates += 1
                continue
            }
            guard pending.count < credit.packets, pendingSize + size <= granted else {
                return actions + end(.violation)
            }
            counters.packets += 1
            counters.size += size
            if let limit = configuration.intakeLimit {
                intakePaid = max(intakePaid, now.monotonic) + Int64(size * 1_000 / max(limit, 1))
            }
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

    private mutating func take(_ batch: LinkMessage.TombstoneBatch, _ now: LinkTime) -> [Action] {
        giveUp(below: batch.lowest)
        var actions: [Action] = []
        for tombstone in batch.items where !pendingTombstones.contains(tombstone) {
            guard pendingTombstones.count < configuration.tombstoneLimit else { return actions + end(.violation) }
            pendingTombstones.append(tombstone)
            actions.append(.bury(tombstone))
        }
        return actions
    }

    private mutating func settle(_ numbers: Range<UInt64>) {
        durable.insert(numbers)
        choice.add(numbers.lowerBound)
        if let first = durable.forget(beyond: configuration.rangeLimit) { forgottenFrom = min(forgottenFrom, first) }
    }

    private mutating func reject(_ number: UInt64, _ code: RejectCode, _ field: String) -> Action {
        counters.rejected += 1
        if rejectedNumbers.count < configuration.rangeLimit { rejectedNumbers.insert(number) }
        return .send(.reject(LinkMessage.Reject(session: session, number: number, code: code, field: field)))
    }

    /// The station needs no word about lower numbers any more; those that are missing and were not rejected are gaps. A lower
    /// number than before is no news: a replay names its own.
    private mutating func giveUp(below lowest: UInt64) {
        guard lowest > durable.cumulative + 1 else { return }
        let missing = raise(below: lowest)
        let explained = rejectedNumbers.count { $0 < lowest }
        rejectedNumbers = rejectedNumbers.filter { $0 >= lowest }
        counters.gaps += missing - min(missing, UInt64(explained))
    }

    /// How many numbers below `lowest` are missing, as far as all are known.
    private mutating func raise(below lowest: UInt64) -> UInt64 {
        let missing = durable.raise(lowest: min(lowest, forgottenFrom))
        durable.raise(lowest: lowest)
        return missing
    }

    /// After a commit: at once where much became durable or nothing else is waited for.
    private mutating func acknowledgeCommit(_ now: LinkTime) -> [Action] {
        let isUrgent =
            newlyDurableSize >= credit.size / 4 || (pending.isEmpty && pendingTombstones.isEmpty)
        let due = now.monotonic + (isUrgent ? 0 : configuration.acknowledgeMilliseconds)
        return acknowledge(by: min(due, acknowledgeDue ?? .max), now)
    }

    /// Says what is durable when `due` has come and the intake is paid for but for a second; later where not.
    private mutating func acknowledge(by due: Int64, _ now: LinkTime) -> [Action] {
        let time = max(due, intakePaid == .min ? due : intakePaid - 1_000)
        guard time <= now.monotonic else {
            acknowledgeDue = time
            return []
        }
        acknowledgeDue = nil
        newlyDurableSize = 0
        var actions: [Action] = []
        repeat {
            let ack = LinkMessage.Ack(
                session: session, acknowledgement: choice.next(of: &durable), credit: credit)
            actions.append(.send(.ack(ack)))
        } while choice.hasMore
        return actions
    }

    private mutating func end(_ reason: ByeReason?) -> [Action] {
        isEnded = true
        guard let reason else { return [.end(nil)] }
        return [.send(.bye(LinkMessage.Bye(session: session, reason: reason))), .end(reason)]
    }
}
