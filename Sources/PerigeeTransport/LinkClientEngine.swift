internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeLink

/// The thread behind a `LinkClient`: it alone owns the socket.
final class LinkClientEngine: @unchecked Sendable {  // all `var`s belong to the one thread that calls `run`
    private var gateways: [LinkClient.GatewayAddress]
    /// Index of the one that the socket is for.
    private var current = 0
    private let store: any PacketStore
    private let context: ZeroMQContext
    private let shared: Locked<LinkClientState>
    private let wakeUp: WakeUp
    private let progress: LoopProgress?
    private var machine: SenderMachine
    private var socket: Socket?
    private var generation = 0
    private var meter = WireMeter(own: .dealer, peer: .router)
    private var lastAcknowledged: Timestamp?
    private var refusals = 0
    private var isStopped = false
    private var generator = SystemRandomNumberGenerator()

    init(
        _ configuration: LinkClient.Configuration, store: any PacketStore, context: ZeroMQContext,
        shared: Locked<LinkClientState>, wakeUp: WakeUp, progress: LoopProgress?
    ) {
        gateways = configuration.gateways
        var sender = configuration.sender
        if gateways.contains(where: { $0.keys != nil }) {
            sender.frameOverhead = (WireMeter.sealedFrameSize(0), WireMeter.sealedFrameSize(256) - 256)
        }
        machine = SenderMachine(sender)
        self.store = store
        self.context = context
        self.shared = shared
        self.wakeUp = wakeUp
        self.progress = progress
    }

    /// Runs until the machine stops.
    func run() {
        step(.tick)
        while !isStopped {
            wait()
            progress?.note()
            handleNews()
            while !isStopped, let octets = receive() {
                progress?.note()
                meter.count(received: octets.count)
                step(.received(octets[...]))
            }
            if !isStopped { step(.tick) }
            tell(nil)
        }
        socket = nil
        progress?.end()
    }

    private func wait() {
        let timeout = machine.deadline.map { Int(clamping: max($0 - currentTime().monotonic, 0)) }
        var poller = Poller()
        _ = poller.add(wakeUp)
        if socket != nil { add(to: &poller) }
        do {
            try poller.wait(timeoutMilliseconds: min(timeout ?? .max, LoopProgress.turnMilliseconds))
        } catch { note(error) }
        wakeUp.clear()
    }

    private func add(to poller: inout Poller) {
        guard let open = socket.take() else { return }
        _ = poller.add(open)
        socket = consume open
    }

    /// What monitors, the store and callers told since the last time.
    private func handleNews() {
        let (connection, events, drainUntil) = shared.withLock { state in
            defer {
                state.connectionEvents = []
                state.events = []
            }
            return (state.connectionEvents, state.events, state.drainUntil)
        }
        for event in connection {
            meter.count(event.kind)
            guard event.generation == generation, socket != nil else { continue }
            explain(event.kind)
            switch event.kind {
            case .ready: step(.ready)
            case .disconnected: step(.disconnected)
            case .refused, .protocolFailure:
                refusals += 1
                step(.refused)
            case .greetingCut: if gateways[current].keys?.tryNext() == true { open() }
            default: break
            }
        }
        for event in events { step(event) }
        if let drainUntil { step(.drain(until: drainUntil)) }
    }

    /// What an operator can do about a connection that does not come up; a good one takes it back.
    private func explain(_ event: ConnectionEvent.Kind) {
        let gateway = gateways[current]
        let reason: String? =
            switch event {
            case .ready: nil
            case .refused:
                "the gateway \(gateway.endpoint) does not know our key \(gateway.keys?.own.publicKey.text ?? ""): "
                    + "allow it there with `perigee keys allow`"
            case .protocolFailure:
                "\(gateway.endpoint) speaks another protocol, or one end has keys and the other has none: check both "
                    + "configurations"
            case .greetingCut where gateway.keys != nil:
                "\(gateway.endpoint) hung up while greeting: if it goes on so, the key of the gateway is another one"
            default: shared.withLock { $0.snapshot.lastError }
            }
        shared.withLock { $0.snapshot.lastError = reason }
    }

    private func receive() -> [UInt8]? {
        do {
            return try socket?.receive(limit: MessageLimit(partCount: 1, size: LinkLimit.message))?.first
        } catch {
            note(error)
            return nil
        }
    }

    /// One event through the machine, and its actions done.
    private func step(_ event: SenderMachine.Event) {
        guard !isStopped else { return }
        let now = currentTime()
        let before = machine.counters.acknowledged
        let actions = machine.handle(event, now: now, using: &generator)
        if machine.counters.acknowledged > before { lastAcknowledged = now.utc }
        for action in actions {
            switch action {
            case .openSocket(let gateway):
                current = gateway
                gateways[current].keys?.begin()
                open()
            case .closeSocket: socket = nil
            case .send(let octets): send(octets)
            case .store(let request): store.request(request)
            case .stopped(let reason):
                isStopped = true
                tell(reason)
            }
        }
    }

    /// Says where the link stands.
    private func tell(_ reason: SenderMachine.StopReason?) {
        var snapshot = LinkClient.Snapshot()
        snapshot.state = machine.state
        snapshot.counters = machine.counters
        snapshot.store = machine.storeState
        (snapshot.inFlightPackets, snapshot.inFlightSize) = machine.inFlight
        snapshot.window = machine.window
        snapshot.gateway = machine.gateway
        snapshot.roundTripMilliseconds = machine.roundTripMilliseconds
        snapshot.deliveryRate = machine.deliveryRate
        snapshot.lastAcknowledged = lastAcknowledged
        snapshot.refusals = refusals
        (snapshot.wireSent, snapshot.wireReceived) = (meter.sent, meter.received)
        shared.withLock { state in
            snapshot.stopReason = reason ?? state.snapshot.stopReason
            snapshot.lastError = state.snapshot.lastError
            state.snapshot = snapshot
        }
    }

    private func open() {
        let gateway = gateways[current]
        generation += 1
        var options = SocketOptions()
        options.curve = gateway.keys?.role
        meter.curve = gateway.keys.map { _ in .client }
        options.isImmediate = true  // a queue must die with its connection: a new session sends again what it needs
        options.sendHighWaterMark = 1_024  // more than any credit window has messages
        options.partSizeLimit = LinkLimit.message
        options.lingerMilliseconds = 200  // so that a BYE goes out
        do {
            var socket = try Socket(.dealer, context: context, options: options)
            let generation = generation
            let shared = shared
            let wakeUp = wakeUp
            try socket.observe { event in
                shared.withLock { $0.connectionEvents.append((generation, event.kind)) }
                wakeUp.signal()
            }
            try socket.connect(gateway.endpoint)
            self.socket = consume socket
        } catch {
            // the machine's own time for connecting runs out and it tries again later
            note(error)
        }
    }

    private func send(_ octets: [UInt8]) {
        do {
            guard try socket?.send(octets) == .sent else { return step(.sendFailed) }
            meter.count(sent: octets.count)
        } catch {
            note(error)
            step(.sendFailed)
        }
    }

    private func note(_ error: TransportError) {
        shared.withLock { $0.snapshot.lastError = error.description }
    }
}
