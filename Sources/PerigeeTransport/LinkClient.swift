public import PerigeeConcurrency
public import PerigeeCore
public import PerigeeLink

/// The station's end of a link on a thread of its own: a DEALER and a `SenderMachine`. What it sends is the store's; the store's
/// answers come back through `deliver`. Safe to use from any thread. Call `drain` before letting go of it.
public final class LinkClient: Sendable {
    /// Where a gateway listens.
    public struct GatewayAddress: Equatable, Sendable {
        /// Such as `tcp://gateway.example:7715`.
        public var endpoint: String
        /// Encrypts; nil connects in the clear.
        public var keys: ClientKeys?

        /// See the properties.
        public init(endpoint: String) { self.endpoint = endpoint }
    }

    /// Where to, and who.
    public struct Configuration: Sendable {
        /// At least one; the first is preferred.
        public var gateways: [GatewayAddress]
        public var sender: SenderConfiguration

        /// See the properties.
        public init(gateways: [GatewayAddress], sender: SenderConfiguration) {
            self.gateways = gateways
            self.sender = sender
            self.sender.gatewayCount = gateways.count
        }
    }

    /// Where the link stands. Counts begin with the client.
    public struct Snapshot: Equatable, Sendable {
        public var state = SenderMachine.State.offline
        public var counters = SenderMachine.Counters()
        /// What the store said last; nil before its first word and between two epochs.
        public var store: StoreState?
        /// Packets and octets that are sent and not settled, and what may be.
        public var inFlightPackets = 0
        public var inFlightSize = 0
        public var window = 0
        /// Index of the gateway that it speaks with, or tries next.
        public var gateway = 0
        /// The usual time from sending to knowing; nil before the first.
        public var roundTripMilliseconds: Int64?
        /// Octets a second that the line delivers at its best; nil before the first.
        public var deliveryRate: Int?
        /// When something was last acknowledged.
        public var lastAcknowledged: Timestamp?
        /// Octets on the wire by ZMTP's framing, both ways, connections included.
        public var wireSent = 0
        public var wireReceived = 0
        /// Connections that the gateway refused, or that spoke another protocol.
        public var refusals = 0
        public var stopReason: SenderMachine.StopReason?
        /// The last failure of the socket, as text for the log.
        public var lastError: String?
    }

    private let shared: Locked<LinkClientState>
    private let wakeUp: WakeUp
    private let stopped: WakeUp

    /// Starts the thread and begins to connect. It greets once the store has said what it holds (`deliver(.store(…))`). `progress`:
    /// who watches the thread.
    public init(
        _ configuration: Configuration, store: any PacketStore, context: ZeroMQContext, progress: LoopProgress? = nil
    ) throws(TransportError) {
        invariant(!configuration.gateways.isEmpty, "a link has at least one gateway")
        wakeUp = try WakeUp()
        stopped = try WakeUp()
        shared = Locked(LinkClientState())
        let engine = LinkClientEngine(
            configuration, store: store, context: context, shared: shared, wakeUp: wakeUp, progress: progress)
        let stopped = stopped
        _ = NamedThread("link") {
            engine.run()
            stopped.signal()
        }
    }

    /// Takes what the store has to say, in its order; answers at once.
    public func deliver(_ event: SenderMachine.Event) {
        shared.withLock { state in
            // each state says all that the ones before it said
            if case .store = event, case .store? = state.events.last { state.events.removeLast() }
            if case .account = event, case .account? = state.events.last { state.events.removeLast() }
            state.events.append(event)
        }
        wakeUp.signal()
    }

    /// Where the link stands now.
    public var snapshot: Snapshot { shared.withLock { $0.snapshot } }

    /// Waits until all is acknowledged or the time is over, and ends the thread. What is not acknowledged then stays in the store.
    public func drain(timeoutMilliseconds: Int) throws(TransportError) -> Snapshot {
        let until = currentTime().monotonic + Int64(timeoutMilliseconds)
        shared.withLock { $0.drainUntil = min($0.drainUntil ?? until, until) }
        wakeUp.signal()
        var poller = Poller()
        _ = poller.add(stopped)
        while try poller.wait(timeoutMilliseconds: nil) == 0 {}
        return snapshot
    }
}

/// What the callers and the thread share.
struct LinkClientState: Sendable {
    var snapshot = LinkClient.Snapshot()
    /// What the store said and the machine has not heard. It answers what it was asked, so there are few.
    var events: [SenderMachine.Event] = []
    var drainUntil: Int64?
    /// What monitors reported, with the socket's generation.
    var connectionEvents: [(generation: Int, kind: ConnectionEvent.Kind)] = []
}
