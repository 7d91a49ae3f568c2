import PerigeeArchive
import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeMemory
import PerigeeTestSupport

/// A gateway: the machine of its one session, an archive of which only what was committed survives a crash, and its book of frames that
/// wait.
struct AskingGateway {
    enum Waiting {
        case packet(UInt64, [UInt8])
        case tombstone(Tombstone)
    }

    /// What a commit made durable of an epoch.
    struct Shelf {
        var packets: [UInt64: [UInt8]] = [:]
        var tombstones: [Tombstone] = []
    }

    /// A frame, as its packets say.
    struct Filed {
        var metadata: FrameMetadata?
        var layers: [Int: [UInt8]] = [:]
        var partCount = 0

        /// Layers from the first on.
        var prefixCount: Int { metadata == nil ? 0 : (0...15).first { layers[$0] == nil } ?? 15 }

        func octets(_ count: Int) -> [[UInt8]] { (0..<count).compactMap { layers[$0] } }
    }

    var configuration = ReceiverMachine.Configuration()
    var machine: ReceiverMachine?
    var epoch: Epoch?
    var nextSession: UInt32 = 1
    var uncommitted: [(session: UInt32, epoch: Epoch, item: Waiting)] = []
    var commitAt: Int64?
    var shelves: [Epoch: Shelf] = [:]
    var frames: [FrameName: Filed] = [:]
    /// Frames of which something came since the last turn.
    var fresh: Set<FrameName> = []
    var turnAt: Int64? = 0
    var book = ReferenceBook()
    /// Wants, on disk, and those that the session was asked for.
    var ledger = WantLedger()
    var asked: Set<UInt32> = []
    /// Rounds of questions of each frame that waits.
    var rounds: [FrameName: Int] = [:]
    /// What the renderer decoded, and wanted plain.
    var decoded: Set<FrameName> = []
    var differing: Set<FrameName> = []
    /// Scenes cannot be seen; plain frames that stand in for others can.
    var replaced: Set<FrameName> = []

    init(using generator: inout SeededGenerator) {
        configuration.credit = Credit(packets: .random(in: 1...40, using: &generator), size: 65_536)
    }

    var isQuiet: Bool { uncommitted.isEmpty && fresh.isEmpty && turnAt == nil && machine != nil }

    /// Hash of what the first layers of a frame decode to, by what is filed.
    func decoded(_ key: EpochKey, _ reference: MemoryReference) -> UInt64 {
        guard let filed = frames[FrameName(key: key, number: reference.frame)] else { return 0 }
        let below = filed.references(of: reference.frame).map { decoded(key, $0) }
        return SampleHash.of(filed.octets(reference.layers), below)
    }

    func prediction(_ name: FrameName) -> FramePrediction? {
        guard let filed = frames[name], let metadata = filed.metadata else { return nil }
        return FramePrediction(
            station: name.key.station, epoch: name.key.epoch, number: name.number, metadata: metadata,
            layers: filed.prefixCount)
    }

    /// Files a packet as the archive does: of a part that comes twice the first one counts.
    mutating func file(_ packet: [UInt8], _ epoch: Epoch) {
        guard case .part(let part)? = (try? Packet(parsing: packet[...]))?.body,
            let pieces = try? part.split(declaration: ReferenceSimulator.stream)
        else { return }
        let name = FrameName(key: EpochKey(station: ReferenceSimulator.name, epoch: epoch), number: part.frameDelta)
        var filed = frames[name] ?? Filed()
        filed.metadata = filed.metadata ?? pieces.metadata
        filed.layers[part.layer] = filed.layers[part.layer] ?? Array(pieces.payload)
        filed.partCount += 1
        frames[name] = filed
        fresh.insert(name)
    }
}

extension AskingGateway.Filed {
    func references(of number: UInt64) -> [MemoryReference] {
        (metadata?.references?.frames ?? []).map { MemoryReference(frame: number - $0.back, layers: $0.layers) }
    }
}

extension ReferenceSimulator {
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
        while !gateway.uncommitted.isEmpty { commitGateway() }
        let shelf = gateway.shelves[hello.epoch] ?? .init()
        var durable = SequenceSet(cumulative: hello.lowest - 1)
        for number in shelf.packets.keys { durable.insert(number) }
        for tombstone in shelf.tombstones { durable.insert(tombstone.numbers) }
        let check = shelf.packets.max { $0.key < $1.key }.map { PacketDigest(number: $0.key, packet: $0.value) }
        let (machine, welcome) = ReceiverMachine.open(
            hello, session: gateway.nextSession, durable: durable, check: check, configuration: gateway.configuration,
            now: time)
        gateway.nextSession += 1
        gateway.machine = machine
        gateway.epoch = hello.epoch
        gateway.asked = []
        reply(welcome)
        wantNow()
    }

    private mutating func pass(_ message: LinkMessage, _ session: UInt32) {
        guard var machine = gateway.machine, session == machine.session else {
            return reply(.bye(.init(session: session, reason: .unknownSession)))
        }
        let actions = machine.receive(message, now: time)
        gateway.machine = machine
        perform(actions)
    }

    private mutating func perform(_ actions: [ReceiverMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let message):
                if case .bye(let bye) = message { faults.append("the gateway ended a session: \(bye.reason)") }
                reply(message)
            case .store(let number, let packet): keep(.packet(number, Array(packet)))
            case .bury(let tombstone): keep(.tombstone(tombstone))
            case .answered(let answer):
                _ = gateway.ledger.answered(answer, now: time)
                if answer.outcome == .full { gateway.asked.remove(answer.request) }
                turnSoon()
            case .end: gateway.machine = nil
            }
        }
    }

    private mutating func keep(_ item: AskingGateway.Waiting) {
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
                let before = gateway.shelves[epoch]?.packets[number]
                if before == nil {
                    gateway.shelves[epoch, default: .init()].packets[number] = packet
                    gateway.file(packet, epoch)
                }
                let outcome: ReceiverMachine.Outcome =
                    before == nil ? .stored : before == packet ? .duplicate : .conflict
                if isOpen { outcomes.append((number, outcome)) }
            case .tombstone(let tombstone):
                gateway.shelves[epoch, default: .init()].tombstones.append(tombstone)
                if isOpen { buried.append(tombstone) }
            }
        }
        turnSoon()
        guard var machine = gateway.machine else { return }
        var actions: [ReceiverMachine.Action] = []
        if !outcomes.isEmpty { actions += machine.committed(outcomes, now: time) }
        if !buried.isEmpty { actions += machine.buried(buried, now: time) }
        gateway.machine = machine
        perform(actions)
        checkNameable()
    }

    mutating func tickGateway() {
        guard var machine = gateway.machine, now >= machine.deadline else { return }
        let actions = machine.tick(now: time)
        gateway.machine = machine
        perform(actions)
    }

    /// The process ends, the book with it but for what it wrote down; a disk may have lost packets, and then all is looked at anew.
    mutating func crashGateway() {
        count("gateway crashed")
        gateway.machine = nil
        gateway.uncommitted = []
        gateway.commitAt = nil
        gateway.book = ReferenceBook(gateway.book.frames, replaced: gateway.replaced)
        var ledger = WantLedger()
        for want in gateway.ledger.wants.values { ledger.add(want) }
        gateway.ledger = ledger
        if fate == .archiveLoses, chance(2) { loseArchived() }
        turnSoon()
        cut()
    }

    /// Packets of a frame are gone, and the index with them: it is made anew, and every frame looked at.
    private mutating func loseArchived() {
        let names = gateway.frames.keys.sorted { ($0.key.epoch.text, $0.number) < ($1.key.epoch.text, $1.number) }
        guard let name = names.randomElement(using: &generator) else { return }
        count("lost")
        let isWhole = chance(2)
        for (number, packet) in gateway.shelves[name.key.epoch]?.packets ?? [:] {
            guard let layer = LayerName(packet), layer.frame == name.number, isWhole || layer.layer > 0 else {
                continue
            }
            gateway.shelves[name.key.epoch]?.packets[number] = nil
        }
        gateway.frames = [:]
        for (epoch, shelf) in gateway.shelves {
            for number in shelf.packets.keys.sorted() { gateway.file(shelf.packets[number] ?? [], epoch) }
        }
        gateway.fresh = Set(gateway.frames.keys)
        gateway.decoded = []  // who renders it all once more
    }
}
