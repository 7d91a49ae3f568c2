internal import PerigeeCore

/// The station's end of a link, a pure value: events go in with the time, actions come out. Source: Docs/link-protocol.md
/// section 3. It reads and settles the queue it is given, always the same one, and sends nothing by itself.
public struct SenderMachine: Sendable {
    /// What happened.
    public enum Event: Sendable {
        /// Time passed; also the first event.
        case tick
        /// ZMTP's greeting is done on the socket asked for.
        case ready
        /// The connection broke; the socket tries again by itself.
        case disconnected
        /// ZMTP was refused: the socket will not try again by itself.
        case refused
        /// The socket took no message.
        case sendFailed
        /// The queue has more packets.
        case queued
        /// A message came.
        case received(ArraySlice<UInt8>)
        /// Stop once all is settled, or at `until` on the monotonic clock.
        case drain(until: Int64)
    }

    /// What the caller does, in order.
    public enum Action: Equatable, Sendable {
        case openSocket
        case closeSocket
        /// One message.
        case send([UInt8])
        /// Nothing more will come.
        case stopped(StopReason)
    }

    /// Why a machine ended.
    public enum StopReason: Equatable, Sendable {
        /// All was settled after `drain`.
        case drained
        /// The time of `drain` was over before all was settled.
        case drainTimeout
        /// The gateway knows numbers of this epoch that were never given: take a new epoch.
        case epochConflict
    }

    /// Where it stands, for people.
    public enum State: String, Equatable, Sendable {
        case offline, connecting, greeting, resuming, live, throttled, draining, stopped
    }

    /// What it did so far.
    public struct Counters: Equatable, Sendable {
        public var sessions = 0
        /// Packets given to the socket, the ones sent again included.
        public var sent = 0
        public var resent = 0
        /// Packets and octets that the gateway holds durably.
        public var acknowledged = 0
        public var acknowledgedSize = 0
        public var rejected = 0
        /// Messages that did not parse, or were of another session.
        public var ignored = 0

        /// All zero.
        public init() {}
    }

    enum Phase: Sendable {
        case offline(until: Int64)
        case connecting(deadline: Int64)
        case greeting(greeting: UInt32, attempt: Int, deadline: Int64)
        case open(SenderSession)
        case stopped(StopReason)
    }

    let configuration: SenderConfiguration
    var phase = Phase.offline(until: .min)
    public internal(set) var counters = Counters()
    /// Failures in a row, which lengthen the backoff.
    var failures = 0
    var refusals = 0
    var greetings: UInt32 = 0
    /// Greatest number ever sent: up to it a packet is sent again.
    var highestSent: UInt64 = 0
    var drainDeadline: Int64?
    /// When a batch that is not full has waited long enough; nil where nothing waits.
    var holdDeadline: Int64?

    /// A machine that is offline; give it `.tick` to begin.
    public init(_ configuration: SenderConfiguration) { self.configuration = configuration }

    /// Where it stands.
    public var state: State {
        switch phase {
        case .stopped: .stopped
        case _ where drainDeadline != nil: .draining
        case .offline: .offline
        case .connecting: .connecting
        case .greeting: .greeting
        case .open(let session):
            session.isThrottled ? .throttled : session.cursor <= session.resumeEnd ? .resuming : .live
        }
    }

    /// Packets and octets in flight.
    public var inFlight: (packets: Int, size: Int) {
        guard case .open(let session) = phase else { return (0, 0) }
        return (session.flight.count, session.flightSize)
    }

    /// When it wants the next `.tick`, on the monotonic clock; nil where it waits for something else.
    public var deadline: Int64? {
        var times: [Int64] = []
        if let drainDeadline { times.append(drainDeadline) }
        switch phase {
        case .stopped: return nil
        case .offline(let until): times.append(until)
        case .connecting(let deadline): times.append(deadline)
        case .greeting(_, _, let deadline): times.append(deadline)
        case .open(let session):
            times.append(session.pingDue(configuration))
            if let due = session.progressDue(configuration) { times.append(due) }
            if let holdDeadline, !session.isThrottled { times.append(holdDeadline) }
        }
        return times.min()
    }

    /// Takes one event. Actions are to be done in order, before the next event.
    public mutating func handle(
        _ event: Event, now: LinkTime, queue: inout some PacketQueue, using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        var actions: [Action] = []
        if case .stopped = phase { return [] }
        switch event {
        case .tick: break
        case .ready: if !isOffline { greet(attempt: 1, now, queue, &actions) }
        case .disconnected:
            if !isOffline {
                endSession(now)
                phase = .connecting(deadline: now.monotonic + configuration.connectMilliseconds)
            }
        case .refused: if !isOffline { giveUp(now, isRefused: true, &generator, &actions) }
        case .sendFailed: if !isOffline { giveUp(now, isRefused: false, &generator, &actions) }
        case .queued:
            if holdDeadline == nil { holdDeadline = now.monotonic + configuration.holdMilliseconds }
        case .received(let octets): receive(octets, now, &queue, &actions)
        case .drain(let until): drainDeadline = min(drainDeadline ?? until, until)
        }
        passTime(now, queue, &generator, &actions)
        pump(now, queue, &actions)
        finishDrain(now, queue, &actions)
        return actions
    }

    private var isOffline: Bool { if case .offline = phase { true } else { false } }

    private mutating func passTime(
        _ now: LinkTime, _ queue: some PacketQueue, _ generator: inout some RandomNumberGenerator,
        _ actions: inout [Action]
    ) {
        switch phase {
        case .offline(let until) where now.monotonic >= until:
            actions.append(.openSocket)
            phase = .connecting(deadline: now.monotonic + configuration.connectMilliseconds)
        case .connecting(let deadline) where now.monotonic >= deadline:
            giveUp(now, isRefused: false, &generator, &actions)
        case .greeting(_, let attempt, let deadline) where now.monotonic >= deadline:
            if attempt < configuration.greetingCount {
                greet(attempt: attempt + 1, now, queue, &actions)
            } else {
                giveUp(now, isRefused: false, &generator, &actions)
            }
        case .open(var session):
            let isStuck = session.progressDue(configuration).map { now.monotonic >= $0 } ?? false
            if isStuck || session.pingIsOverdue(now.monotonic, configuration) {
                giveUp(now, isRefused: false, &generator, &actions)
            } else if now.monotonic >= session.pingDue(configuration) {
                actions.append(.send(session.ping(now, queue).packed()))
                phase = .open(session)
            }
        default: break
        }
    }

    mutating func greet(attempt: Int, _ now: LinkTime, _ queue: some PacketQueue, _ actions: inout [Action]) {
        endSession(now)
        greetings &+= 1
        var hello = LinkMessage.Hello(
            station: configuration.station, epoch: configuration.epoch, boot: configuration.boot, greeting: greetings,
            lowest: queue.lowest, highest: queue.next - 1)
        hello.clockQuality = configuration.clockQuality
        hello.time = now.utc
        hello.firmware = Array(configuration.firmware.prefix(LinkLimit.firmware))
        actions.append(.send(LinkMessage.hello(hello).packed()))
        phase = .greeting(
            greeting: greetings, attempt: attempt, deadline: now.monotonic + configuration.greetingMilliseconds)
    }

    /// A session that lasted makes the next backoff short again.
    private mutating func endSession(_ now: LinkTime) {
        guard case .open(let session) = phase else { return }
        if now.monotonic - session.opened >= configuration.goodSessionMilliseconds {
            failures = 0
            refusals = 0
        }
    }

    /// Drops the socket and waits: full jitter below a bound that doubles at each failure in a row.
    private mutating func giveUp(
        _ now: LinkTime, isRefused: Bool, _ generator: inout some RandomNumberGenerator, _ actions: inout [Action]
    ) {
        endSession(now)
        let wait: Int64
        if isRefused {
            let bound = configuration.refusedBackoffMilliseconds << Int64(min(refusals, 20))
            wait = min(bound, configuration.refusedBackoffLimitMilliseconds)
            refusals += 1
        } else {
            let bound = configuration.backoffMilliseconds << Int64(min(failures, 20))
            wait = Int64.random(in: 0...min(bound, configuration.backoffLimitMilliseconds), using: &generator)
            failures += 1
        }
        actions.append(.closeSocket)
        phase = .offline(until: now.monotonic + max(wait, 1))
    }

    private mutating func finishDrain(_ now: LinkTime, _ queue: some PacketQueue, _ actions: inout [Action]) {
        guard let drainDeadline else { return }
        let isEmpty = queue.heldCount == 0
        guard isEmpty || now.monotonic >= drainDeadline else { return }
        if case .open(let session) = phase {
            actions.append(.send(LinkMessage.bye(.init(session: session.identity, reason: .draining)).packed()))
        }
        stop(isEmpty ? .drained : .drainTimeout, &actions)
    }

    mutating func stop(_ reason: StopReason, _ actions: inout [Action]) {
        if case .stopped = phase { return }
        if !isOffline { actions.append(.closeSocket) }
        actions.append(.stopped(reason))
        phase = .stopped(reason)
    }
}
