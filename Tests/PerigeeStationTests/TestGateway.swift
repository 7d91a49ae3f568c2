import PerigeeConcurrency
import PerigeeCore
import PerigeeLink
import PerigeeTransport

/// The other end of a station's link over a real ROUTER: takes packets, acknowledges them at once, keeps them in memory.
final class TestGateway: Sendable {
    let endpoint: String
    /// Which packet: epochs in the order of their coming.
    private struct PacketName: Hashable, Comparable {
        var epoch: Int
        var number: UInt64

        static func < (left: Self, right: Self) -> Bool { (left.epoch, left.number) < (right.epoch, right.number) }
    }

    private let packets = Locked<[PacketName: [UInt8]]>([:])
    private let hasConflict = Locked(false)
    private let buried = Locked<[Tombstone]>([])
    private let wants = Locked<[LinkMessage.Want.Subject]>([])
    private let outcomes = Locked<[LinkMessage.Answer]>([])
    private let isStopping = Locked(false)
    private let isHeld: Locked<Bool>
    private let wakeUp: WakeUp
    private let thread: NamedThread

    /// Packets with the numbers of `refused` are refused for good. `isHeld`: it says nothing before `release`.
    init(context: ZeroMQContext, refused: Set<UInt64> = [], isHeld: Bool = false) throws {
        var options = SocketOptions()
        options.partSizeLimit = LinkLimit.message
        var socket = try Socket(.router, context: context, options: options)
        try socket.bind("tcp://127.0.0.1:*")
        endpoint = try socket.lastEndpoint()
        wakeUp = try WakeUp()
        self.isHeld = Locked(isHeld)
        let loop = Loop(
            socket: socket, packets: packets, hasConflict: hasConflict, buried: buried, wants: wants,
            outcomes: outcomes, refused: refused,
            isStopping: isStopping, isHeld: self.isHeld, wakeUp: wakeUp)
        thread = NamedThread("test-gateway") { loop.run() }
    }

    /// Tombstones in the order of their coming.
    var tombstones: [Tombstone] { buried.current }

    /// Packets in the order of their numbers, so far.
    var filed: [[UInt8]] { packets.current.sorted { $0.key < $1.key }.map(\.value) }

    /// The next packet that comes is another one than what it has under its number.
    func findConflict() { hasConflict.withLock { $0 = true } }

    /// What became of its wants.
    var answers: [LinkMessage.Answer] { outcomes.current }

    /// Asks the station for something, once it is connected.
    func want(_ subject: LinkMessage.Want.Subject) {
        wants.withLock { $0.append(subject) }
        wakeUp.signal()
    }

    /// It begins to answer.
    func release() {
        isHeld.withLock { $0 = false }
        wakeUp.signal()
    }

    /// Packets in the order of their numbers; the thread ends.
    func finish() -> [[UInt8]] {
        isStopping.withLock { $0 = true }
        wakeUp.signal()
        thread.join()
        return filed
    }

    private final class Loop: @unchecked Sendable {  // used by one thread
        private var socket: Socket?
        private let packets: Locked<[PacketName: [UInt8]]>
        private let hasConflict: Locked<Bool>
        private var epochs: [Epoch] = []
        private let buried: Locked<[Tombstone]>
        private let wants: Locked<[LinkMessage.Want.Subject]>
        private let outcomes: Locked<[LinkMessage.Answer]>
        private var request: UInt32 = 0
        private let refused: Set<UInt64>
        private let isStopping: Locked<Bool>
        private let isHeld: Locked<Bool>
        private let wakeUp: WakeUp
        private var machine: ReceiverMachine?

        init(
            socket: consuming Socket, packets: Locked<[PacketName: [UInt8]]>, hasConflict: Locked<Bool>,
            buried: Locked<[Tombstone]>,
            wants: Locked<[LinkMessage.Want.Subject]>, outcomes: Locked<[LinkMessage.Answer]>, refused: Set<UInt64>,
            isStopping: Locked<Bool>, isHeld: Locked<Bool>, wakeUp: WakeUp
        ) {
            self.socket = consume socket
            self.packets = packets
            self.hasConflict = hasConflict
            self.buried = buried
            self.wants = wants
            self.outcomes = outcomes
            self.refused = refused
            self.isStopping = isStopping
            self.isHeld = isHeld
            self.wakeUp = wakeUp
        }

        func run() {
            guard var socket = socket.take() else { return }
            waitForRelease()
            var poller = Poller()
            _ = poller.add(socket)
            _ = poller.add(wakeUp)
            var peer: [UInt8]?
            while !isStopping.current {
                _ = try? poller.wait(timeoutMilliseconds: 20)
                wakeUp.clear()
                if let peer, machine != nil {
                    for want in nextWants() { _ = try? socket.send([peer, LinkMessage.want(want).packed()]) }
                }
                let limit = MessageLimit(partCount: 2, size: 2 * LinkLimit.message)
                while let parts = try? socket.receive(limit: limit), parts.count == 2 {
                    peer = parts[0]
                    for message in answer(parts[1]) { _ = try? socket.send([parts[0], message.packed()]) }
                    for message in actions(machine?.tick(now: currentTime()) ?? []) {
                        _ = try? socket.send([parts[0], message.packed()])
                    }
                }
            }
        }

        private func nextWants() -> [LinkMessage.Want] {
            let subjects = wants.withLock { wants in
                defer { wants = [] }
                return wants
            }
            return subjects.map { subject in
                request += 1
                return LinkMessage.Want(session: 1, request: request, priority: 2, subject: subject)
            }
        }

        private func waitForRelease() {
            var poller = Poller()
            _ = poller.add(wakeUp)
            while isHeld.current, !isStopping.current {
                _ = try? poller.wait(timeoutMilliseconds: nil)
                wakeUp.clear()
            }
        }

        private func answer(_ octets: [UInt8]) -> [LinkMessage] {
            guard let message = try? LinkMessage(parsing: octets[...]) else { return [] }
            if case .hello(let hello) = message {
                var configuration = ReceiverMachine.Configuration()
                configuration.acknowledgeMilliseconds = 0
                let opened = ReceiverMachine.open(
                    hello, session: 1, durable: SequenceSet(), configuration: configuration, now: currentTime())
                machine = opened.machine
                if epochs.last != hello.epoch { epochs.append(hello.epoch) }
                return [opened.welcome]
            }
            return actions(machine?.receive(message, now: currentTime()) ?? [])
        }

        private func actions(_ list: [ReceiverMachine.Action]) -> [LinkMessage] {
            var messages: [LinkMessage] = []
            var stored: [(number: UInt64, outcome: ReceiverMachine.Outcome)] = []
            for action in list {
                switch action {
                case .send(.reject(var reject)):
                    reject.code = .malformed  // a conflict would begin a new epoch
                    messages.append(.reject(reject))
                case .send(let message): messages.append(message)
                case .store(let number, _) where refused.contains(number):
                    messages.append(.reject(.init(session: 1, number: number, code: .malformed, field: "test")))
                case .store(let number, _) where hasConflict.current:
                    hasConflict.withLock { $0 = false }
                    messages.append(.reject(.init(session: 1, number: number, code: .conflict, field: "test")))
                case .store(let number, let packet):
                    packets.withLock { $0[PacketName(epoch: epochs.count, number: number)] = Array(packet) }
                    stored.append((number, .stored))
                case .bury(let tombstone):
                    buried.withLock { $0.append(tombstone) }
                    messages += actions(machine?.buried([tombstone], now: currentTime()) ?? [])
                case .answered(let answer): outcomes.withLock { $0.append(answer) }
                case .end: break
                }
            }
            if !stored.isEmpty { messages += actions(machine?.committed(stored, now: currentTime()) ?? []) }
            return messages
        }
    }
}
