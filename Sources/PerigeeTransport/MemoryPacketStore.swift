internal import PerigeeConcurrency
public import PerigeeCore
public import PerigeeLink

/// A `PacketStore` in memory with a bound in octets; it ends with the process. Safe to use from any thread.
public final class MemoryPacketStore: PacketStore {
    /// What became of a packet.
    public enum EnqueueAnswer: Equatable, Sendable {
        /// It waits under this number of the epoch.
        case accepted(UInt64)
        /// No room now: send less, or try again later.
        case full
        /// Longer than a packet may be, or empty.
        case tooLarge
        /// Nothing is taken any more.
        case closed
    }

    private struct State: Sendable {
        var store: MemoryStore
        var deliver: (@Sendable (SenderMachine.Event) -> Void)?
        var isClosed = false
        var generator = SystemRandomNumberGenerator()
    }

    private let state: Locked<State>
    private let room: WakeUp

    /// A store of an epoch that is new.
    public init(epoch: Epoch, sizeLimit: Int) throws(TransportError) {
        state = Locked(State(store: MemoryStore(epoch: epoch, sizeLimit: sizeLimit)))
        room = try WakeUp()
    }

    /// Says what it holds, now and after each change, to `deliver`, which must not wait and must not call back.
    public func attach(_ deliver: @escaping @Sendable (SenderMachine.Event) -> Void) {
        state.withLock { state in
            state.deliver = deliver
            deliver(.store(state.store.state))
        }
    }

    /// What it holds.
    public var current: StoreState { state.withLock { $0.store.state } }
    /// Octets of packets that are not settled, of all epochs.
    public var heldSize: Int { state.withLock { $0.store.heldSize } }
    /// Greatest number given to a packet so far.
    public var highest: UInt64 { state.withLock { $0.store.next - 1 } }

    /// Numbers of the packets that the gateway has refused for good since the last call. They are settled, but nobody holds
    /// them: what they belong to is not delivered.
    public func takeRefused() -> [UInt64] { state.withLock { $0.store.takeSetAside() } }

    /// Takes a packet; answers at once. Once accepted it is sent until it is acknowledged or rejected.
    public func enqueue(_ packet: [UInt8]) -> EnqueueAnswer {
        guard !packet.isEmpty, packet.count <= LinkLimit.packet else { return .tooLarge }
        let now = currentTime().utc
        return state.withLock { state in
            guard !state.isClosed else { return .closed }
            guard let number = state.store.append(packet, now: now) else { return .full }
            state.deliver?(.store(state.store.state))
            return .accepted(number)
        }
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

    /// Takes nothing more.
    public func close() { state.withLock { $0.isClosed = true } }

    public func request(_ request: StoreRequest) {
        let hasRoom = state.withLock { state in
            let before = state.store.heldSize
            var generator = state.generator
            for event in state.store.handle(request, using: &generator) { state.deliver?(event) }
            return state.store.heldSize < before
        }
        if hasRoom { room.signal() }
    }
}
