import PerigeeCore
import PerigeeLink
import PerigeeTestSupport

/// A gateway: the machine of its one session, and an archive of which only what was committed survives a crash.
struct SimulatedGateway {
    enum Waiting {
        case packet(UInt64, [UInt8])
        case tombstone(Tombstone)
    }

    /// What a commit made durable of an epoch.
    struct Shelf {
        var packets: [UInt64: [UInt8]] = [:]
        var tombstones: [Tombstone] = []

        func explains(_ number: UInt64) -> Bool {
            packets[number] != nil || tombstones.contains { $0.numbers.contains(number) }
        }
    }

    var configuration = ReceiverMachine.Configuration()
    var machine: ReceiverMachine?
    /// Of the open session, and of all.
    var epoch: Epoch?
    var sessions: [UInt32: Epoch] = [:]
    var nextSession: UInt32 = 1
    var uncommitted: [(session: UInt32, epoch: Epoch, item: Waiting)] = []
    var commitAt: Int64?
    var archive: [Epoch: Shelf] = [:]
    /// The greatest cumulative number said of each epoch.
    var greatest: [Epoch: UInt64] = [:]

    init(using generator: inout SeededGenerator) {
        configuration.credit = Credit(
            packets: .random(in: 1...40, using: &generator), size: .random(in: 8_192...65_536, using: &generator))
        configuration.batchSize = .random(in: 8_192...16_384, using: &generator)
    }
}

extension LinkSimulator {
    mutating func arriveAtGateway(_ octets: [UInt8]) {
        guard let message = try? LinkMessage(parsing: octets[...]) else {
            return faults.append("the station sent what does not parse")
        }
        switch message {
        case .hello(let hello): welcome(hello)
        case .data(let batch): pass(message, batch.session)
        case .ping(let ping): pass(message, ping.session)
        case .tombstone(let batch): pass(message, batch.session)
        case .answer(let answer): pass(message, answer.session)
        default: break
        }
    }

    private mutating func welcome(_ hello: LinkMessage.Hello) {
        // a new session's queries stand behind the packets of the old one, as in the gateway's archive thread
        while !gateway.uncommitted.isEmpty { commitGateway() }
        let shelf = gateway.archive[hello.epoch] ?? .init()
        var durable = SequenceSet(cumulative: hello.lowest - 1)
        for number in shelf.packets.keys { durable.insert(number) }
        for tombstone in shelf.tombstones { durable.insert(tombstone.numbers) }
        let check = shelf.packets.max { $0.key < $1.key }.map { PacketDigest(number: $0.key, packet: $0.value) }
        let (machine, welcome) = ReceiverMachine.open(
            hello, session: gateway.nextSession, durable: durable, check: check, configuration: gateway.configuration,
            now: time)
        gateway.sessions[gateway.nextSession] = hello.epoch
        gateway.nextSession += 1
        gateway.machine = machine
        gateway.epoch = hello.epoch
        reply(welcome)
    }

    private mutating func pass(_ message: LinkMessage, _ session: UInt32) {
        guard var machine = gateway.machine, session == machine.session else {
            return reply(.bye(.init(session: session, reason: .unknownSession)))
        }
        let actions = machine.receive(message, now: time)
        gateway.machine = machine
        perform(actions)
        if machine.waiting.packets > gateway.configuration.credit.packets
            || machine.waiting.size > gateway.configuration.credit.size
        {
            faults.append("credit exceeded")
        }
    }

    /// An operator asks for numbers again.
    mutating func want() {
        guard let machine = gateway.machine, let epoch = gateway.epoch else { return }
        let start = UInt64.random(in: 1...30, using: &generator)
        let highest = gateway.archive[epoch]?.packets.keys.max() ?? 1
        let first = max(highest, start) - start + 1
        let subject = LinkMessage.Want.Subject.numbers([first..<first + UInt64.random(in: 1...10, using: &generator)])
        reply(
            .want(
                .init(
                    session: machine.session, request: .random(in: 0...9, using: &generator), priority: 2,
                    subject: subject)))
    }

    private mutating func perform(_ actions: [ReceiverMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let message):
                if case .bye(let bye) = message { faults.append("the gateway ended a session: \(bye.reason)") }
                reply(message)
            case .store(let number, let packet): keep(.packet(number, Array(packet)))
            case .bury(let tombstone): keep(.tombstone(tombstone))
            case .answered: break
            case .end: gateway.machine = nil
            }
        }
    }

    private mutating func keep(_ item: SimulatedGateway.Waiting) {
        guard let machine = gateway.machine, let epoch = gateway.epoch else { return }
        gateway.uncommitted.append((machine.session, epoch, item))
        if gateway.commitAt == nil { gateway.commitAt = now + Int64.random(in: 1...100, using: &generator) }
    }

    /// Makes some of what waits durable, as a group commit does, and tells the session.
    mutating func commitGateway() {
        gateway.commitAt = nil
        guard !gateway.uncommitted.isEmpty else { return }
        let group = gateway.uncommitted.prefix(Int.random(in: 1...gateway.uncommitted.count, using: &generator))
        gateway.uncommitted.removeFirst(group.count)
        if !gateway.uncommitted.isEmpty { gateway.commitAt = now + Int64.random(in: 1...100, using: &generator) }
        var outcomes: [(number: UInt64, outcome: ReceiverMachine.Outcome)] = []
        var buried: [Tombstone] = []
        for (session, epoch, item) in group {
            let isOpen = session == gateway.machine?.session
            switch item {
            case .packet(let number, let packet):
                let before = gateway.archive[epoch]?.packets[number]
                if before == nil { gateway.archive[epoch, default: .init()].packets[number] = packet }
                let outcome: ReceiverMachine.Outcome =
                    before == nil ? .stored : before == packet ? .duplicate : .conflict
                if outcome == .conflict, fate != .restored { faults.append("number \(number) with other content") }
                if isOpen { outcomes.append((number, outcome)) }
            case .tombstone(let tombstone):
                gateway.archive[epoch, default: .init()].tombstones.append(tombstone)
                if isOpen { buried.append(tombstone) }
            }
        }
        guard var machine = gateway.machine else { return }
        var actions: [ReceiverMachine.Action] = []
        if !outcomes.isEmpty { actions += machine.committed(outcomes, now: time) }
        if !buried.isEmpty { actions += machine.buried(buried, now: time) }
        gateway.machine = machine
        perform(actions)
    }

    mutating func tickGateway() {
        guard var machine = gateway.machine, now >= machine.deadline else { return }
        let actions = machine.tick(now: time)
        gateway.machine = machine
        perform(actions)
    }

    /// Loses all that was not committed; comes back with the archive only.
    mutating func crashGateway() {
        gateway.machine = nil
        gateway.uncommitted = []
        gateway.commitAt = nil
        cut()
    }
}
