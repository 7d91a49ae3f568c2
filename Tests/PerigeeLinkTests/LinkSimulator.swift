import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

/// Both ends of a link with a virtual clock, a network that delays, cuts and says old messages again on a new connection, a store
/// that answers late and loses at a crash what it had not committed, and a gateway that does the same. One seed, one history.
struct LinkSimulator {
    struct Flying {
        let arrival: Int64
        let octets: [UInt8]
    }

    var generator: SeededGenerator
    var now: Int64 = 0
    var settings: SenderConfiguration
    var sender: SenderMachine
    // the station's store: what was done, and what a commit made durable; reads see the latter
    var memory: MemoryStore
    var disk: MemoryStore
    var storeCommitAt: Int64?
    var answers: [(time: Int64, event: SenderMachine.Event)] = []
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
    /// Acknowledged to machines that a crash ended.
    var acknowledgedBefore = 0
    var resentBefore = 0
    var sessionsBefore = 0
    var stationCrashes = 0
    /// Given, and not committed yet.
    var fresh: [UInt64: (packet: [UInt8], isDamaged: Bool)] = [:]
    var greatestCumulative: UInt64 = 0
    var faults: [String] = []
    var stopped: SenderMachine.StopReason?

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        var settings = SenderConfiguration(station: try StationName("sim"), boot: seed)
        settings.window = Credit(packets: .random(in: 1...40, using: &generator), size: 64 << 10)
        sender = SenderMachine(settings)
        self.settings = settings
        memory = MemoryStore(epoch: Epoch(random: &generator), sizeLimit: 64 << 10)
        disk = memory
        configuration.credit = Credit(
            packets: .random(in: 1...40, using: &generator),
            size: .random(in: 8_192...65_536, using: &generator))
        configuration.batchSize = .random(in: 8_192...16_384, using: &generator)
    }

    /// Time and chance until all packets are settled and the sender has drained, or `limit` events are over.
    mutating func run(packets: Int, limit: Int = 200_000) {
        var left = packets
        var events = 0
        step(.store(disk.state))
        while stopped == nil, events < limit {
            events += 1
            if left > 0, chance(20), enqueue(packets - left) { left -= 1 }
            if left == 0, fresh.isEmpty, answers.isEmpty, sender.state != .draining { step(.drain(until: .max)) }
            if chance(400) { cut() }
            if chance(800) { crashGateway() }
            if chance(800) { left += crashStation() }
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
        let priority = Int.random(in: 0...3, using: &generator)
        guard let number = memory.append(packet, priority: priority, now: Timestamp(milliseconds: now)) else {
            return false
        }
        fresh[number] = (packet, isDamaged)
        commitStoreSoon()
        return true
    }

    // MARK: time

    private mutating func advance() {
        var times = [now + Int64.random(in: 1...50, using: &generator)]
        times += [answers.first?.time, storeCommitAt].compactMap { $0 }
        times += [connectsAt, up.first?.arrival, down.first?.arrival, commitAt].compactMap { $0 }
        // nothing is on its way: jump to what a machine waits for
        if times.count == 1, disk.state.heldCount > 0, let deadline = sender.deadline {
            times = [max(deadline, now + 1)]
        }
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
        if let storeCommitAt, now >= storeCommitAt { commitStore() }
        while let answer = answers.first, answer.time <= now {
            answers.removeFirst()
            step(answer.event)
        }
        if let deadline = sender.deadline, now >= deadline { step(.tick) }
    }

    // MARK: the station's store

    private mutating func commitStoreSoon() {
        if storeCommitAt == nil {
            storeCommitAt = now + Int64.random(in: 1...(chance(50) ? 10_000 : 100), using: &generator)
        }
    }

    private mutating func commitStore() {
        storeCommitAt = nil
        disk = memory
        for (number, packet) in fresh {
            if given[number] != nil { faults.append("number \(number) was given twice") }
            given[number] = packet.packet
            if packet.isDamaged { damaged.insert(number) }
        }
        fresh = [:]
        answer(.store(disk.state))
    }

    private mutating func answer(_ event: SenderMachine.Event) {
        let time = max(answers.last?.time ?? now, now + Int64.random(in: 0...20, using: &generator))
        answers.append((time, event))
    }

    /// Reads see what is committed; writes are committed later, in groups.
    private mutating func ask(_ request: StoreRequest) {
        switch request {
        case .load, .verify, .want, .replay:
            for event in disk.handle(request, using: &generator) { answer(event) }
        default:
            _ = memory.handle(request, using: &generator)
            commitStoreSoon()
        }
    }

    /// Loses all that was not committed, and begins again with what was; answers how many packets must be given again.
    private mutating func crashStation() -> Int {
        stationCrashes += 1
        let lost = fresh.count
        fresh = [:]
        memory = disk
        storeCommitAt = nil
        answers = []
        acknowledgedBefore += sender.counters.acknowledged
        resentBefore += sender.counters.resent
        sessionsBefore += sender.counters.sessions
        settings.boot += 1
        isOpen = false
        connectsAt = nil
        breakConnection()
        sender = SenderMachine(settings)
        step(.store(disk.state))
        return lost
    }

    // MARK: station

    private mutating func step(_ event: SenderMachine.Event) {
        for action in sender.handle(event, now: time, using: &generator) {
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
            case .store(let request): ask(request)
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
            case .bury, .answered: faults.append("the station sent what this simulation has not")
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
            // compared by number: a failure must not print the packets
            let missing = good.keys.filter { simulator.archive[$0] != good[$0] }
            let surplus = simulator.archive.keys.filter { good[$0] == nil }
            #expect(missing.isEmpty && surplus.isEmpty, "seed \(seed)")
            #expect(Set(simulator.disk.setAside) == simulator.damaged, "seed \(seed)")
            let acknowledged = simulator.sender.counters.acknowledged + simulator.acknowledgedBefore
            #expect(acknowledged <= good.count, "seed \(seed)")
            #expect(simulator.stationCrashes > 0 || acknowledged == good.count, "seed \(seed)")
        }
    }

    @Test("the simulation does cut, crash and send again")
    func simulationIsHard() throws {
        var sessions = 0
        var resent = 0
        for seed in 0..<50 as Range<UInt64> {
            var simulator = try LinkSimulator(seed: seed)
            simulator.run(packets: 120)
            sessions += simulator.sender.counters.sessions + simulator.sessionsBefore
            resent += simulator.sender.counters.resent + simulator.resentBefore
        }
        #expect(sessions > 100)
        #expect(resent > 100)
    }
}
