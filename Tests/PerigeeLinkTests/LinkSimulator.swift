import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

/// Both ends of a link with a virtual clock, a network that delays, cuts and says old messages again on a new connection, and a
/// gateway that crashes between storing and committing. One seed, one history.
struct LinkSimulator {
    struct Flying {
        let arrival: Int64
        let octets: [UInt8]
    }

    var generator: SeededGenerator
    var now: Int64 = 0
    var sender: SenderMachine
    var queue = MemoryPacketQueue(sizeLimit: 64 << 10)
    // network
    var isOpen = false
    var connectsAt: Int64?
    var isConnected = false
    var up: [Flying] = []
    var down: [Flying] = []
    var lost: [[UInt8]] = []
    // gateway
    var receiver: ReceiverMachine?
    var isGatewayUp = true
    var configuration = ReceiverMachine.Configuration()
    var nextSession: UInt32 = 1
    var uncommitted: [(session: UInt32, number: UInt64, packet: [UInt8])] = []
    var commitAt: Int64?
    /// The archive: what a commit made durable.
    var archive: [UInt64: [UInt8]] = [:]
    var archivedTwice = 0
    // checks
    var given: [UInt64: [UInt8]] = [:]
    var damaged: Set<UInt64> = []
    var greatestCumulative: UInt64 = 0
    var faults: [String] = []
    var stopped: SenderMachine.StopReason?

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        var settings = SenderConfiguration(
            station: try StationName("sim"), epoch: Epoch(random: &generator), boot: seed)
        settings.window = Credit(packets: .random(in: 1...40, using: &generator), size: 64 << 10)
        sender = SenderMachine(settings)
        configuration.credit = Credit(
            packets: .random(in: 1...40, using: &generator),
            size: .random(in: 8_192...65_536, using: &generator))
        configuration.batchSize = .random(in: 8_192...16_384, using: &generator)
    }

    /// Time and chance until all packets are settled and the sender has drained, or `limit` events are over.
    mutating func run(packets: Int, limit: Int = 200_000) {
        var left = packets
        var events = 0
        step(.tick)
        while stopped == nil, events < limit {
            events += 1
            if left > 0, chance(20), enqueue(packets - left) { left -= 1 }
            if left == 0, sender.state != .draining { step(.drain(until: .max)) }
            if chance(400) { cut() }
            if chance(800) { crashGateway() }
            advance()
        }
        if stopped != .drained {
            faults.append("not drained after \(events) events: \(sender.state), \(left) not given")
        }
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }

    private var time: LinkTime { LinkTime(monotonic: now, utc: Timestamp(milliseconds: now)) }

    private mutating func enqueue(_ index: Int) -> Bool {
        let content = (0..<Int.random(in: 1...3_000, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let part = Packet.Part(
            frameDelta: UInt64(index), part: 0, layer: 0, isLastOfLayer: true, content: content[...])
        var packet = Packet(declaration: 1, body: .part(part)).packed()
        let isDamaged = chance(50)
        if isDamaged { packet[packet.count - 1] ^= 1 }
        guard let number = queue.append(packet, now: now) else { return false }
        given[number] = packet
        if isDamaged { damaged.insert(number) }
        step(.queued)
        return true
    }

    // MARK: time

    private mutating func advance() {
        var times = [now + Int64.random(in: 1...50, using: &generator)]
        times += [connectsAt, up.first?.arrival, down.first?.arrival, commitAt].compactMap { $0 }
        // nothing is on its way: jump to what a machine waits for
        if times.count == 1, queue.heldCount > 0, let deadline = sender.deadline { times = [max(deadline, now + 1)] }
        now = max(now + 1, times.min() ?? now)
        if let connectsAt, now >= connectsAt, isGatewayUp { connect() }
        while let first = up.first, first.arrival <= now {
            up.removeFirst()
            arriveAtGateway(first.octets)
        }
        while let first = down.first, first.arrival <= now {
            down.removeFirst()
            observe(first.octets)
            step(.received(first.octets[...]))
        }
        if let commitAt, now >= commitAt { commit() }
        if let deadline = receiver?.deadline, now >= deadline, var machine = receiver {
            let actions = machine.tick(now: time)
            receiver = machine
            perform(actions)
        }
        if let deadline = sender.deadline, now >= deadline { step(.tick) }
    }

    // MARK: station

    private mutating func step(_ event: SenderMachine.Event) {
        for action in sender.handle(event, now: time, queue: &queue, using: &generator) {
            switch action {
            case .openSocket:
                isOpen = true
                connectsAt = now + Int64.random(in: 1...500, using: &generator)
            case .closeSocket:
                isOpen = false
                connectsAt = nil
                breakConnection()
            case .send(let octets):
                if octets.count > LinkLimit.message { faults.append("a message of \(octets.count) octets") }
                guard isConnected else { continue }  // a queue dies with its connection
                let latest = up.last?.arrival ?? now
                up.append(Flying(arrival: max(latest, now + delay()), octets: octets))
            case .stopped(let reason): stopped = reason
            }
        }
    }

    /// What the station hears must never go back.
    private mutating func observe(_ octets: [UInt8]) {
        guard let message = try? LinkMessage(parsing: octets[...]) else {
            faults.append("the gateway sent what does not parse")
            return
        }
        let cumulative: UInt64
        switch message {
        case .ack(let ack): cumulative = ack.acknowledgement.cumulative
        case .welcome(let welcome): cumulative = welcome.acknowledgement.cumulative
        default: return
        }
        if cumulative < greatestCumulative { faults.append("the cumulative number fell") }
        greatestCumulative = cumulative
    }

    // MARK: network

    private mutating func delay() -> Int64 { Int64.random(in: 1...300, using: &generator) }

    private mutating func connect() {
        connectsAt = nil
        isConnected = true
        // what the old connection had not delivered may still come, ahead of everything new
        for octets in lost { up.append(Flying(arrival: now, octets: octets)) }
        lost = []
        step(.ready)
    }

    private mutating func breakConnection() {
        if isConnected, chance(2) { lost = Array(up.map(\.octets).prefix(3)) }
        if isConnected, chance(4), let last = lost.last { lost.append(last) }
        isConnected = false
        up = []
        down = []
    }

    private mutating func cut() {
        guard isConnected else { return }
        breakConnection()
        step(.disconnected)
        if isOpen { connectsAt = now + Int64.random(in: 1...2_000, using: &generator) }
    }

    // MARK: gateway

    /// Loses all that was not committed; comes back with the archive only.
    private mutating func crashGateway() {
        receiver = nil
        uncommitted = []
        commitAt = nil
        cut()
    }

    private mutating func arriveAtGateway(_ octets: [UInt8]) {
        guard let message = try? LinkMessage(parsing: octets[...]) else {
            faults.append("the station sent what does not parse")
            return
        }
        switch message {
        case .hello(let hello):
            var durable = SequenceSet(cumulative: hello.lowest - 1)
            for number in archive.keys where number >= hello.lowest { durable.insert(number) }
            // a new session's queries stand behind the packets of the old one, as in the gateway's archive thread
            while !uncommitted.isEmpty { commit() }
            for number in archive.keys where number >= hello.lowest { durable.insert(number) }
            let (machine, welcome) = ReceiverMachine.open(
                hello, session: nextSession, durable: durable, configuration: configuration, now: time)
            nextSession += 1
            receiver = machine
            reply(welcome)
        case .data(let batch):
            guard var machine = receiver, batch.session == machine.session else { return strange(batch.session) }
            let actions = machine.receive(message, now: time)
            receiver = machine
            perform(actions)
            if machine.waiting.packets > configuration.credit.packets
                || machine.waiting.size > configuration.credit.size
            {
                faults.append("credit exceeded")
            }
        case .ping(let ping):
            guard var machine = receiver, ping.session == machine.session else { return strange(ping.session) }
            let actions = machine.receive(message, now: time)
            receiver = machine
            perform(actions)
        default: break
        }
    }

    private mutating func strange(_ session: UInt32) {
        reply(.bye(.init(session: session, reason: .unknownSession)))
    }

    private mutating func reply(_ message: LinkMessage) {
        guard isConnected else { return }
        let latest = down.last?.arrival ?? now
        down.append(Flying(arrival: max(latest, now + delay()), octets: message.packed()))
    }

    private mutating func perform(_ actions: [ReceiverMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let message):
                if case .bye(let bye) = message { faults.append("the gateway ended a session: \(bye.reason)") }
                reply(message)
            case .store(let number, let packet):
                uncommitted.append((receiver?.session ?? 0, number, Array(packet)))
                if commitAt == nil { commitAt = now + Int64.random(in: 1...100, using: &generator) }
            case .end: receiver = nil
            }
        }
    }

    /// Makes some of what waits durable, as a group commit does, and tells the session.
    private mutating func commit() {
        commitAt = nil
        guard !uncommitted.isEmpty else { return }
        let group = uncommitted.prefix(Int.random(in: 1...uncommitted.count, using: &generator))
        uncommitted.removeFirst(group.count)
        if !uncommitted.isEmpty { commitAt = now + Int64.random(in: 1...100, using: &generator) }
        var outcomes: [(number: UInt64, outcome: ReceiverMachine.Outcome)] = []
        for (session, number, packet) in group {
            let outcome: ReceiverMachine.Outcome
            if let before = archive[number] {
                outcome = before == packet ? .duplicate : .conflict
            } else {
                archive[number] = packet
                outcome = .stored
            }
            if session == receiver?.session { outcomes.append((number, outcome)) }
        }
        guard var machine = receiver, !outcomes.isEmpty else { return }
        let actions = machine.committed(outcomes, now: time)
        receiver = machine
        perform(actions)
    }
}

@Suite("Link simulation", .timeLimit(.minutes(2)))
struct LinkSimulationTests {
    @Test(
        "over cuts, repeats and crashes each good packet is archived once and each bad one set aside", arguments: 0..<20
    )
    func delivers(_ block: UInt64) throws {
        for seed in block * 50..<(block + 1) * 50 {
            var simulator = try LinkSimulator(seed: seed)
            simulator.run(packets: 120)
            #expect(simulator.faults.isEmpty, "seed \(seed)")
            let good = simulator.given.filter { !simulator.damaged.contains($0.key) }
            #expect(simulator.archive == good, "seed \(seed)")
            #expect(simulator.queue.setAsideCount == simulator.damaged.count, "seed \(seed)")
            #expect(simulator.sender.counters.acknowledged == good.count, "seed \(seed)")
        }
    }

    @Test("the simulation does cut, crash and send again")
    func simulationIsHard() throws {
        var sessions = 0
        var resent = 0
        for seed in 0..<50 as Range<UInt64> {
            var simulator = try LinkSimulator(seed: seed)
            simulator.run(packets: 120)
            sessions += simulator.sender.counters.sessions
            resent += simulator.sender.counters.resent
        }
        #expect(sessions > 100)
        #expect(resent > 100)
    }
}
