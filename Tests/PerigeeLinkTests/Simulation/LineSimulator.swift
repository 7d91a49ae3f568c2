import PerigeeCore
import PerigeeLink
import PerigeeTestSupport

/// A station and a gateway over a line of a certain rate and delay, under a virtual clock: what the line carries, octet by octet.
/// Frames cost what CURVE makes of them (35 octets up to 255, 42 beyond), connections their handshake.
struct LineSimulator {
    /// A line, the same both ways.
    struct Line {
        /// Octets a second.
        var rate = 1_200
        /// One way.
        var delayMilliseconds: Int64 = 2_000
        /// Until ZMTP is ready: TCP, the greeting, and two of CURVE.
        var handshakeRoundTrips: Int64 = 4
        /// What the gateway's disk takes for a commit.
        var commitMilliseconds: Int64 = 20
    }

    private struct Message {
        let arrival: Int64
        let octets: [UInt8]
    }

    /// One way of the line: messages stand behind each other.
    private struct Way {
        var messages: [Message] = []
        var head = 0
        var freeTime: Int64 = 0
        /// Octets carried, and messages.
        var carried = 0
        var count = 0

        var next: Int64? { head < messages.count ? messages[head].arrival : nil }

        mutating func append(_ octets: [UInt8], now: Int64, _ line: Line) {
            let size = octets.count + (octets.count <= 255 ? 35 : 42)
            freeTime = max(freeTime, now) + Int64(size * 1_000 / line.rate)
            carried += size
            count += 1
            messages.append(Message(arrival: freeTime + line.delayMilliseconds, octets: octets))
        }

        mutating func take(_ now: Int64) -> [UInt8]? {
            guard let next, next <= now else { return nil }
            head += 1
            defer {
                if head > 1_024 {
                    messages.removeFirst(head)
                    head = 0
                }
            }
            return messages[head - 1].octets
        }

        /// The connection ends: what is on its way is lost, what waits never goes.
        mutating func cut(_ now: Int64) {
            messages = []
            head = 0
            freeTime = now
        }
    }

    let line: Line
    var now: Int64 = 0
    /// The first moment, by the wall.
    var start = Timestamp(milliseconds: 1_800_000_000_000)
    private var generator = SeededGenerator(seed: 7)
    private(set) var machine: SenderMachine
    var store: MemoryStore
    private var up = Way()
    private var down = Way()
    /// No connection comes about before.
    var isDown = false
    private var readyTime: Int64?
    private var isConnected = false
    private(set) var opened: [Int] = []
    private var receiver: ReceiverMachine?
    private var session: UInt32 = 0
    private var durable = SequenceSet()
    private var newest: PacketDigest?
    private var uncommitted: [PacketDigest] = []
    private var commitTime: Int64?
    /// Packets that the archive has: octets once, and when each came.
    private(set) var archivedSize = 0
    private(set) var archived: [UInt64: Int64] = [:]
    private(set) var stored: [UInt64: Int64] = [:]
    /// Octets read ahead at most.
    private(set) var greatestReadAhead = 0
    private var loaded = 0
    private var sent = 0

    init(_ line: Line, configure: (inout SenderConfiguration) -> Void = { _ in }) throws {
        self.line = line
        var configuration = SenderConfiguration(station: try StationName("line"), boot: 1)
        configuration.frameOverhead = (35, 42)
        configure(&configuration)
        machine = SenderMachine(configuration)
        store = MemoryStore(epoch: try Epoch(bytes: 0..<16), sizeLimit: .max)
        step(.store(store.state))
    }

    private var time: LinkTime {
        LinkTime(monotonic: now, utc: Timestamp(milliseconds: start.milliseconds + now))
    }

    /// Octets both ways, framing included, and messages.
    var carried: (up: Int, down: Int, messages: Int) { (up.carried, down.carried, up.count + down.count) }

    mutating func give(size: Int, priority: Int = 2) {
        let part = Packet.Part(
            frameDelta: store.next, part: 0, layer: 0, isLastOfLayer: true,
            content: [UInt8](repeating: UInt8(truncatingIfNeeded: store.next), count: size)[...])
        let packet = Packet(declaration: 1, body: .part(part)).packed()
        guard let number = store.append(packet, priority: priority, now: time.utc) else { return }
        stored[number] = now
        if opened.count > 0 { step(.store(store.state)) }
    }

    mutating func cut() {
        guard isConnected else { return }
        drop()
        step(.disconnected)
    }

    private mutating func drop() {
        isConnected = false
        readyTime = nil
        up.cut(now)
        down.cut(now)
    }

    /// Lets time pass.
    mutating func run(until end: Int64) {
        while now < end {
            let times = [readyTime, up.next, down.next, commitTime, receiver?.deadline, machine.deadline, end]
            now = max(min(times.compactMap { $0 }.min() ?? end, end), now)
            if let readyTime, readyTime <= now, !isDown {
                self.readyTime = nil
                isConnected = true
                step(.ready)
            } else if let readyTime, readyTime <= now {
                self.readyTime = end  // nobody answers
            }
            while let octets = up.take(now) { arrive(octets) }
            while let octets = down.take(now) { step(.received(octets[...])) }
            if let commitTime, commitTime <= now { commit() }
            if let receiver, receiver.deadline <= now { perform { $0.tick(now: $1) } }
            if let deadline = machine.deadline, deadline <= now { step(.tick) }
        }
    }

    private mutating func step(_ event: SenderMachine.Event) {
        var events = [event]
        while !events.isEmpty {
            for action in machine.handle(events.removeFirst(), now: time, using: &generator) {
                switch action {
                case .openSocket(let gateway):
                    opened.append(gateway)
                    readyTime = now + line.handshakeRoundTrips * 2 * line.delayMilliseconds
                case .closeSocket: drop()
                case .send(let octets): if isConnected { send(octets) }
                case .store(let request):
                    for answer in store.handle(request, using: &generator) {
                        if case .loaded(_, _, _, let packets) = answer {
                            loaded += packets.reduce(0) { $0 + $1.packet.count }
                        }
                        events.append(answer)
                    }
                case .stopped: break
                }
            }
        }
        greatestReadAhead = max(greatestReadAhead, loaded - sent)
    }

    private mutating func send(_ octets: [UInt8]) {
        up.append(octets, now: now, line)
        guard case .data(let batch)? = try? LinkMessage(parsing: octets[...]) else { return }
        sent += batch.items.reduce(0) { $0 + $1.packet.count }
    }

    // MARK: gateway

    private mutating func arrive(_ octets: [UInt8]) {
        guard let message = try? LinkMessage(parsing: octets[...]) else { return }
        guard case .hello(let hello) = message else { return perform { $0.receive(message, now: $1) } }
        commit()
        session += 1
        durable.raise(lowest: hello.lowest)
        let (machine, welcome) = ReceiverMachine.open(
            hello, session: session, durable: durable, check: newest, configuration: .init(), now: time)
        receiver = machine
        down.append(welcome.packed(), now: now, line)
    }

    private mutating func perform(_ body: (inout ReceiverMachine, LinkTime) -> [ReceiverMachine.Action]) {
        guard var machine = receiver else { return }
        let actions = body(&machine, time)
        receiver = machine
        for action in actions {
            switch action {
            case .send(let message): if isConnected { down.append(message.packed(), now: now, line) }
            case .store(let number, let packet):
                uncommitted.append(PacketDigest(number: number, packet: packet))
                if archived[number] == nil { archivedSize += packet.count }
                archived[number] = archived[number] ?? now
                commitTime = commitTime ?? now + line.commitMilliseconds
            case .bury, .answered: break
            case .end: receiver = nil
            }
        }
    }

    private mutating func commit() {
        commitTime = nil
        guard !uncommitted.isEmpty else { return }
        let outcomes = uncommitted.map { (number: $0.number, outcome: ReceiverMachine.Outcome.stored) }
        for digest in uncommitted {
            durable.insert(digest.number)
            if digest.number > newest?.number ?? 0 { newest = digest }
        }
        uncommitted = []
        perform { $0.committed(outcomes, now: $1) }
    }
}
