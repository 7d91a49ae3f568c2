internal import PerigeeConcurrency
internal import PerigeeCore
public import PerigeeLink

/// The station's end of a link on a thread of its own: a DEALER, a `SenderMachine`, and a queue in memory of what is not
/// acknowledged. Safe to use from any thread. Call `drain` before letting go of it.
public final class LinkClient: Sendable {
    /// Where to, who, and how much is kept.
    public struct Configuration: Sendable {
        /// Such as `tcp://gateway.example:7715`.
        public var endpoint: String
        public var sender: SenderConfiguration
        /// Octets of packets that may wait for their acknowledgement.
        public var queueSizeLimit = 64 << 20

        /// See the properties.
        public init(endpoint: String, sender: SenderConfiguration) {
            self.endpoint = endpoint
            self.sender = sender
        }
    }

    /// What became of a packet.
    public enum EnqueueAnswer: Equatable, Sendable {
        /// It waits under this number of the epoch.
        case accepted(UInt64)
        /// No room now: send less, or try again later.
        case full
        /// Longer than a packet may be, or empty.
        case tooLarge
        /// The client drains or has stopped.
        case stopped
    }

    /// Where the link stands. Counts begin with the client.
    public struct Snapshot: Equatable, Sendable {
        public var state = SenderMachine.State.offline
        public var counters = SenderMachine.Counters()
        public var heldPackets = 0
        public var heldSize = 0
        /// Greatest number given to a packet so far.
        public var highest: UInt64 = 0
        /// The smallest number that still waits for its acknowledgement; all below are settled.
        public var lowest: UInt64 = 1
        /// Octets on the wire by ZMTP's framing, both ways, connections included.
        public var wireSent = 0
        public var wireReceived = 0
        public var stopReason: SenderMachine.StopReason?
        /// The last failure of the socket, as text for the log.
        public var lastError: String?
    }

    private let shared: Locked<LinkClientState>
    private let wakeUp: WakeUp
    private let room: WakeUp
    private let stopped: WakeUp

    /// Starts the thread and begins to connect.
    public init(_ configuration: Configuration, context: ZeroMQContext) throws(TransportError) {
        wakeUp = try WakeUp()
        room = try WakeUp()
        stopped = try WakeUp()
        shared = Locked(LinkClientState(configuration))
        let engine = LinkClientEngine(
            endpoint: configuration.endpoint, context: context, shared: shared, wakeUp: wakeUp, room: room)
        let stopped = stopped
        _ = NamedThread("link") {
            engine.run()
            stopped.signal()
        }
    }

    /// Gives a packet to the link; answers at once. Once accepted it is sent until it is acknowledged or rejected.
    public func enqueue(_ packet: [UInt8]) -> EnqueueAnswer {
        guard !packet.isEmpty, packet.count <= LinkLimit.packet else { return .tooLarge }
        let now = currentTime().monotonic
        let answer = shared.withLock { state -> EnqueueAnswer in
            guard state.drainUntil == nil, state.snapshot.stopReason == nil else { return .stopped }
            guard let number = state.queue.append(packet, now: now) else { return .full }
            state.hasNews = true
            return .accepted(number)
        }
        if case .accepted = answer { wakeUp.signal() }
        return answer
    }

    /// As `enqueue`, but waits for room up to a time.
    public func enqueue(_ packet: [UInt8], timeoutMilliseconds: Int) throws(TransportError) -> EnqueueAnswer {
        let deadline = currentTime().monotonic + Int64(timeoutMilliseconds)
        while true {
            let answer = enqueue(packet)
            let left = deadline - currentTime().monotonic
            guard answer == .full, left > 0 else { return answer }
            var poller = Poller()
            _ = poller.add(room)
            // short: another thread that waits may take our signal
            try poller.wait(timeoutMilliseconds: Int(min(left, 100)))
            room.clear()
        }
    }

    /// Where the link stands now.
    public var snapshot: Snapshot {
        shared.withLock { state in
            var snapshot = state.snapshot
            snapshot.heldPackets = state.queue.heldCount
            snapshot.heldSize = state.queue.heldSize
            snapshot.highest = state.queue.next - 1
            snapshot.lowest = state.queue.lowest
            return snapshot
        }
    }

    /// Numbers of the packets that the gateway has refused for good since the last call. They are settled, but nobody holds
    /// them: what they belong to is not delivered.
    public func takeRefused() -> [UInt64] { shared.withLock { $0.queue.takeSetAside() } }

    /// Takes nothing new, waits until all is acknowledged or the time is over, and ends the thread. What is not acknowledged
    /// then is counted in the answer's `heldPackets` and lost with this object.
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
    var queue: MemoryPacketQueue
    var machine: SenderMachine
    var snapshot = LinkClient.Snapshot()
    /// Packets came that the machine has not been told of.
    var hasNews = false
    var drainUntil: Int64?
    /// What monitors reported, with the socket's generation.
    var connectionEvents: [(generation: Int, kind: ConnectionEvent.Kind)] = []

    init(_ configuration: LinkClient.Configuration) {
        queue = MemoryPacketQueue(sizeLimit: configuration.queueSizeLimit)
        machine = SenderMachine(configuration.sender)
    }
}
