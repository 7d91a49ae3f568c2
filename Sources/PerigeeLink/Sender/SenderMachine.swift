public import PerigeeCore

/// The station's end of a link, a pure value: events go in with the time, actions come out. Source: Docs/link-protocol.md
/// section 3. It keeps no packet but those just read ahead; the store behind it does.
public struct SenderMachine: Sendable {
    /// What happened.
    public enum Event: Sendable {
        /// Time passed; also the first event.
        case tick
        /// ZMTP's greeting is done on the socket asked for.
        case ready
        /// The connection broke.
        case disconnected
        /// ZMTP was refused: the socket will not try again by itself.
        case refused
        /// The socket took no message.
        case sendFailed
        /// A message came.
        case received(ArraySlice<UInt8>)
        /// What the store holds, after each of its commits; the first one begins the work. Another epoch in it is greeted for.
        case store(StoreState)
        /// The answers of the store, see `StoreRequest`.
        case loaded(epoch: Epoch, priority: Int, numbers: Range<UInt64>, packets: [StoredPacket])
        case verified(epoch: Epoch, number: UInt64, fits: Bool)
        case answer(LinkMessage.Answer)
        case replayed(epoch: Epoch, numbers: Range<UInt64>, packets: [StoredPacket])
        /// Words of the firmware stage to the gateway; their session is filled in. Without a session they are dropped.
        case fetch(LinkMessage.Fetch)
        case report(LinkMessage.BundleReport)
        /// What PING tells from now on.
        case account(LinkMessage.Account)
        /// Send at another rate from now on.
        case plan(RatePlan)
        /// Stop once all is settled, or at `until` on the monotonic clock.
        case drain(until: Int64)
    }

    /// What the caller does, in order.
    public enum Action: Equatable, Sendable {
        /// To the gateway of this index.
        case openSocket(gateway: Int)
        case closeSocket
        /// One message.
        case send([UInt8])
        case store(StoreRequest)
        /// Nothing more will come.
        case stopped(StopReason)
    }

    /// Why a machine ended.
    public enum StopReason: Equatable, Sendable {
        /// All was settled after `drain`.
        case drained
        /// The time of `drain` was over before all was settled.
        case drainTimeout
    }

    /// Where it stands, for people.
    public enum State: String, CaseIterable, Equatable, Sendable {
        /// `closed`: by the rate plan.
        case offline, closed, connecting, greeting, resuming, live, throttled, draining, stopped
    }

    /// What it did so far.
    public struct Counters: Equatable, Sendable {
        public var sessions = 0
        /// Packets given to the socket, the ones sent again included.
        public var sent = 0
        public var resent = 0
        /// Packets and octets sent by this machine that the gateway holds durably.
        public var acknowledged = 0
        public var acknowledgedSize = 0
        public var rejected = 0
        /// Packets sent because the gateway wanted them again.
        public var replayed = 0
        /// Tombstones sent.
        public var tombstones = 0
        /// Times the gateway had another history of an epoch.
        public var conflicts = 0
        /// Times another gateway was chosen.
        public var failovers = 0
        /// Messages that did not parse, or were of another session.
        public var ignored = 0

        /// All zero.
        public init() {}
    }

    enum Phase: Sendable {
        case offline(until: Int64)
        case connecting(deadline: Int64)
        /// Connected, and waiting for the store to say what to greet with.
        case waiting
        case greeting(greeting: UInt32, attempt: Int, sent: Int64, deadline: Int64)
        /// Welcomed, and waiting for the store to compare what it holds with what the gateway has.
        case checking(SenderCheck)
        case open(SenderSession)
        case stopped(StopReason)
    }

    private(set) var configuration: SenderConfiguration
    var phase = Phase.offline(until: .min)
    public internal(set) var counters = Counters()
    /// What the store holds; nil before its first word, and while it turns to another epoch than `leaving`.
    var store: StoreState?
    /// The epoch that the store was asked to finish or to fork.
    var leaving: Epoch?
    var line = LineEstimate()
    var bucket = TokenBucket()
    var gateways: GatewayChoice
    /// Of each gateway, by its index, below which number all is there or explained, and of which epoch: known of this process's own
    /// sessions only.
    var explained: [Int: (epoch: Epoch, lowest: UInt64)] = [:]
    var greetings: UInt32 = 0
    /// Sizes of packets that an earlier session left unsettled, by number.
    var unproven: [UInt64: Int] = [:]
    /// Silences in a row that ended a session; each doubles the patience, so that no line is too slow.
    var silences = 0
    var drainDeadline: Int64?
    var account = LinkMessage.Account()
    /// When a batch that is not full has waited long enough; nil where nothing waits.
    var holdDeadline: Int64?
    /// The gateway answered HELLO with BYE, or took our key from its list.
    var isShownOut = false
    /// The rate plan allows nothing now.
    var isClosed = false

    /// A machine that is offline; give it `.tick` to begin.
    public init(_ configuration: SenderConfiguration) {
        self.configuration = configuration
        gateways = GatewayChoice(count: configuration.gatewayCount)
    }

    /// Where it stands.
    public var state: State {
        switch phase {
        case .stopped: .stopped
        case _ where drainDeadline != nil: .draining
        case .offline: isClosed ? .closed : .offline
        case .connecting: .connecting
        case .waiting, .greeting, .checking: .greeting
        case .open(let session):
            session.isThrottled(window: window)
                ? .throttled : store.map { session.lanes.isResuming($0) } ?? false ? .resuming : .live
        }
    }

    /// Packets and octets in flight.
    public var inFlight: (packets: Int, size: Int) {
        guard case .open(let session) = phase else { return (0, 0) }
        return (session.flight.count, session.flightSize)
    }

    /// What the store said last; nil before its first word and between two epochs.
    public var storeState: StoreState? { store }

    /// The gateway that it speaks with, or tries next.
    public var gateway: Int { gateways.index }
    /// The usual time from sending to knowing, in milliseconds; nil before the first.
    public var roundTripMilliseconds: Int64? { line.roundTrip.map { Int64($0) } }
    /// Octets a second that the line delivers at its best; nil before the first.
    public var deliveryRate: Int? { line.rate.map { Int(min($0, 1e15)) } }
    /// Octets that may be in flight by what is known of the line.
    public var window: Int { min(line.window(atLeast: configuration.smallestWindow), configuration.window.size) }

    /// When it wants the next `.tick`, on the monotonic clock; nil where it waits for something else.
    public var deadline: Int64? {
        var times: [Int64] = []
        if let drainDeadline { times.append(drainDeadline) }
        switch phase {
        case .stopped: return nil
        case .offline(let until): times.append(until)
        case .connecting(let deadline): times.append(deadline)
        case .greeting(_, _, _, let deadline): times.append(deadline)
        case .waiting, .checking: break
        case .open(let session):
            times.append(pingDue(session))
            if let due = progressDue(session) { times.append(due) }
            if let end = session.repair.flightEnd { times.append(end) }
            if !bucket.isOpen {
                times.append(bucket.openTime(lastTime))
            } else if let holdDeadline {
                times.append(holdDeadline)
            }
        }
        if let planChange, !isOffline { times.append(planChange) }
        return times.min()
    }

    /// The monotonic time of the last event, and of the next change of the rate plan.
    private var lastTime: Int64 = 0
    private var planChange: Int64?

    /// Takes one event. Actions are to be done in order, before the next event.
    public mutating func handle(
        _ event: Event, now: LinkTime, using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        var actions: [Action] = []
        if case .stopped = phase { return [] }
        lastTime = now.monotonic
        bucket.refill(now, configuration.ratePlan)
        // a minute at most: the wall may step
        planChange = configuration.ratePlan.millisecondsToChange(after: now.utc).map { now.monotonic + min($0, 60_000) }
        switch event {
        case .tick: break
        case .ready: if !isOffline { greet(attempt: 1, now, &actions) }
        case .disconnected: if !isOffline { lose(now, &generator, &actions) }
        case .refused: if !isOffline { giveUp(.refused, now, &generator, &actions) }
        case .sendFailed: if !isOffline { giveUp(.failed, now, &generator, &actions) }
        case .received(let octets):
            receive(octets, now, &actions)
            if isShownOut { giveUp(.refused, now, &generator, &actions) }
        case .store(let state): take(state, now, &actions)
        case .loaded(let epoch, let priority, let numbers, let packets):
            if epoch == store?.epoch { take(priority, numbers, packets, now, &actions) }
        case .verified(let epoch, let number, let fits):
            if epoch == store?.epoch { take(verified: number, fits, now, &actions) }
        case .answer(let answer): say(answer, now, &actions)
        case .replayed(let epoch, let numbers, let packets):
            if case .open(var session) = phase, epoch == store?.epoch {
                session.repair.take(numbers, packets)
                phase = .open(session)
            }
        case .fetch(var fetch):
            tell(&actions) { session in
                fetch.session = session
                return .fetch(fetch)
            }
        case .report(var report):
            tell(&actions) { session in
                report.session = session
                return .bundle(report)
            }
        case .account(let account): self.account = account
        case .plan(let plan): take(plan, now)
        case .drain(let until): drainDeadline = min(drainDeadline ?? until, until)
        }
        passTime(now, &generator, &actions)
        pump(now, &actions)
        finishDrain(now, &actions)
        return actions
    }

    var isOffline: Bool { if case .offline = phase { true } else { false } }

    /// Sends one message and pays for it.
    mutating func send(_ message: LinkMessage, _ actions: inout [Action]) {
        let octets = message.packed()
        bucket.take(
            octets.count + (octets.count <= 255 ? configuration.frameOverhead.small : configuration.frameOverhead.large)
        )
        actions.append(.send(octets))
    }

    private mutating func tell(_ actions: inout [Action], _ message: (UInt32) -> LinkMessage) {
        guard case .open(let session) = phase else { return }
        send(message(session.identity), &actions)
    }

    // MARK: the store

    private mutating func take(_ plan: RatePlan, _ now: LinkTime) {
        configuration.ratePlan = plan
        bucket.refill(now, plan)
        planChange = plan.millisecondsToChange(after: now.utc).map { now.monotonic + min($0, 60_000) }
        // a plan that was closed may be open now
        if isClosed, isOffline { phase = .offline(until: now.monotonic) }
    }

    private mutating func take(_ state: StoreState, _ now: LinkTime, _ actions: inout [Action]) {
        guard state.epoch != leaving else { return }
        let isOther = state.epoch != store?.epoch
        if isOther || state.next > store?.next ?? 0, holdDeadline == nil {
            holdDeadline = now.monotonic + configuration.holdMilliseconds
        }
        if isOther {
            leaving = nil
            unproven = [:]
        }
        store = state
        if state.isClosed, !state.isLost, state.lowest == state.next {
            return leave(.finish(epoch: state.epoch), &actions)
        }
        guard isOther else { return }
        switch phase {
        case .waiting, .greeting, .checking, .open: greet(attempt: 1, now, &actions)
        case .offline, .connecting, .stopped: break
        }
    }

    private mutating func take(
        _ priority: Int, _ numbers: Range<UInt64>, _ packets: [StoredPacket], _ now: LinkTime, _ actions: inout [Action]
    ) {
        if case .checking = phase { return take(checked: priority, numbers, packets, now, &actions) }
        guard case .open(var session) = phase else { return }
        _ = session.lanes.take(priority: priority, numbers: numbers, packets: packets)
        phase = .open(session)
    }

    /// The gateway has another history of this epoch.
    mutating func fork(_ actions: inout [Action]) {
        guard let epoch = store?.epoch else { return }
        counters.conflicts += 1
        leave(.fork(epoch: epoch), &actions)
    }

    /// Turns away from the epoch; the store's next word is of another.
    mutating func leave(_ request: StoreRequest, _ actions: inout [Action]) {
        leaving = store?.epoch
        store = nil
        unproven = [:]
        actions.append(.store(request))
        switch phase {
        case .greeting, .checking, .open: phase = .waiting
        case .waiting, .offline, .connecting, .stopped: break
        }
    }
}
