internal import PerigeeConcurrency
internal import PerigeeLink

/// The thread behind a `LinkClient`: it alone owns the socket.
final class LinkClientEngine: @unchecked Sendable {  // all `var`s belong to the one thread that calls `run`
    private let endpoint: String
    private let context: ZeroMQContext
    private let shared: Locked<LinkClientState>
    private let wakeUp: WakeUp
    private let room: WakeUp
    private var socket: Socket?
    private var generation = 0
    private var meter = WireMeter(own: .dealer, peer: .router)
    private var isStopped = false
    private var generator = SystemRandomNumberGenerator()

    init(
        endpoint: String, context: ZeroMQContext, shared: Locked<LinkClientState>, wakeUp: WakeUp, room: WakeUp
    ) {
        self.endpoint = endpoint
        self.context = context
        self.shared = shared
        self.wakeUp = wakeUp
        self.room = room
    }

    /// Runs until the machine stops.
    func run() {
        step(.tick)
        while !isStopped {
            wait()
            handleNews()
            while !isStopped, let octets = receive() {
                meter.count(received: octets.count)
                step(.received(octets[...]))
            }
            if !isStopped { step(.tick) }
        }
        socket = nil
    }

    private func wait() {
        let deadline = shared.withLock { $0.machine.deadline }
        let timeout = deadline.map { Int(clamping: max($0 - currentTime().monotonic, 0)) }
        var poller = Poller()
        _ = poller.add(wakeUp)
        if socket != nil { add(to: &poller) }
        do { try poller.wait(timeoutMilliseconds: timeout.map { min($0, 60_000) }) } catch { note(error) }
        wakeUp.clear()
    }

    private func add(to poller: inout Poller) {
        guard let open = socket.take() else { return }
        _ = poller.add(open)
        socket = consume open
    }

    /// What monitors and callers told since the last time.
    private func handleNews() {
        let (events, hasNews, drainUntil) = shared.withLock { state in
            defer {
                state.connectionEvents = []
                state.hasNews = false
            }
            return (state.connectionEvents, state.hasNews, state.drainUntil)
        }
        for event in events {
            meter.count(event.kind)
            guard event.generation == generation, socket != nil else { continue }
            switch event.kind {
            case .ready: step(.ready)
            case .disconnected: step(.disconnected)
            case .refused, .protocolFailure: step(.refused)
            default: break
            }
        }
        if hasNews { step(.queued) }
        if let drainUntil { step(.drain(until: drainUntil)) }
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
        let wire = (meter.sent, meter.received)
        let (actions, hasRoom) = shared.withLock { state in
            let before = state.queue.heldSize
            let actions = state.machine.handle(event, now: now, queue: &state.queue, using: &generator)
            state.snapshot.state = state.machine.state
            state.snapshot.counters = state.machine.counters
            (state.snapshot.wireSent, state.snapshot.wireReceived) = wire
            return (actions, state.queue.heldSize < before)
        }
        if hasRoom { room.signal() }
        for action in actions {
            switch action {
            case .openSocket: open()
            case .closeSocket: socket = nil
            case .send(let octets): send(octets)
            case .stopped(let reason):
                isStopped = true
                let wire = (meter.sent, meter.received)
                shared.withLock { state in
                    state.snapshot.stopReason = reason
                    (state.snapshot.wireSent, state.snapshot.wireReceived) = wire
                }
            }
        }
    }

    private func open() {
        generation += 1
        var options = SocketOptions()
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
            try socket.connect(endpoint)
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
