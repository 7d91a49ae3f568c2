import PerigeeCore
import PerigeeLink
import PerigeeTestSupport

/// A station: its machine, and a store of which only what was committed is on disk.
struct SimulatedStation {
    var settings: SenderConfiguration
    var machine: SenderMachine
    /// What was done, and what a commit made durable; reads see the latter.
    var memory: MemoryStore
    var disk: MemoryStore
    /// An old copy of the disk.
    var copy: MemoryStore?
    var commitAt: Int64?
    var answers: [(time: Int64, event: SenderMachine.Event)] = []
    /// Indices of packets that are not committed.
    var fresh: [Int] = []
    var crashes = 0
    /// Counters of machines that a crash ended.
    var sessionsBefore = 0
    var resentBefore = 0

    init(using generator: inout SeededGenerator) throws {
        settings = SenderConfiguration(station: try StationName("sim"), boot: 1)
        settings.window = Credit(packets: .random(in: 1...40, using: &generator), size: 64 << 10)
        settings.readAhead = .random(in: 1_000...100_000, using: &generator)
        machine = SenderMachine(settings)
        memory = MemoryStore(epoch: Epoch(random: &generator), sizeLimit: 64 << 10, buriesRejected: true)
        memory.keptCount = 30
        disk = memory
    }

    /// Nothing is on its way between machine and disk.
    var isQuiet: Bool { fresh.isEmpty && answers.isEmpty && commitAt == nil }
}

extension LinkSimulator {
    mutating func step(_ event: SenderMachine.Event) {
        for action in station.machine.handle(event, now: time, using: &generator) {
            switch action {
            case .openSocket: openSocket()
            case .closeSocket: closeSocket()
            case .send(let octets): sendUp(octets)
            case .store(let request): ask(request)
            case .stopped(let reason): stopped = reason
            }
        }
    }

    /// A packet comes from a sensor; some are damaged before they are stored.
    mutating func give() {
        let content = (0..<Int.random(in: 1...3_000, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let part = Packet.Part(
            frameDelta: UInt64(given.count), part: 0, layer: 0, isLastOfLayer: true, content: content[...])
        var packet = Packet(declaration: 1, body: .part(part)).packed()
        let isDamaged = chance(50)
        if isDamaged { packet[packet.count - 1] ^= 1 }
        let priority = Int.random(in: 0...3, using: &generator)
        guard station.memory.append(packet, priority: priority, now: time.utc) != nil else { return }
        station.fresh.append(given.count)
        given.append(Given(packet: packet, isDamaged: isDamaged))
        commitStationSoon()
    }

    /// Room is wanted: some packets go, with tombstones.
    mutating func drop() {
        let start = UInt64.random(in: 1...station.memory.next, using: &generator)
        let dropped = station.memory.drop(start..<start + UInt64.random(in: 1...8, using: &generator), reason: .quota)
        for packet in dropped { forgive(packet.packet) { $0.mayBeLost = true } }
        commitStationSoon()
    }

    private mutating func commitStationSoon() {
        guard station.commitAt == nil else { return }
        station.commitAt = now + Int64.random(in: 1...(chance(50) ? 10_000 : 100), using: &generator)
    }

    mutating func commitStation() {
        station.commitAt = nil
        station.disk = station.memory
        for index in station.fresh { given[index].isCommitted = true }
        station.fresh = []
        answer(.store(station.disk.state))
    }

    private mutating func answer(_ event: SenderMachine.Event) {
        let time = max(station.answers.last?.time ?? now, now + Int64.random(in: 0...20, using: &generator))
        station.answers.append((time, event))
    }

    /// Reads see what is committed; writes are committed later, in groups.
    private mutating func ask(_ request: StoreRequest) {
        switch request {
        case .load, .verify, .want, .replay:
            for event in station.disk.handle(request, using: &generator) { answer(event) }
        case .settle(let epoch, let acknowledgement):
            checkSettled(epoch, acknowledgement)
            fallthrough
        default:
            _ = station.memory.handle(request, using: &generator)
            commitStationSoon()
        }
    }

    /// Loses all that was not committed, and begins again with what was, or with what fate made of it.
    mutating func crashStation() {
        station.crashes += 1
        for index in station.fresh { given[index].mayBeLost = true }  // nobody was told that they are safe
        station.fresh = []
        if chance(3) { strikeDisk() }
        station.memory = station.disk
        station.commitAt = nil
        station.answers = []
        station.sessionsBefore += sender.counters.sessions
        station.resentBefore += sender.counters.resent
        station.settings.boot += 1
        closeSocket()
        station.machine = SenderMachine(station.settings)
        step(.store(station.disk.state))
    }

    private mutating func strikeDisk() {
        let before = station.disk
        switch fate {
        case .kept: break
        case .moved: station.disk.beginEpoch(Epoch(random: &generator))
        case .restored:
            guard let copy = station.copy else { return }
            station.disk = copy
            for epoch in copy.epochs {
                for packet in copy.held(epoch) { forgive(packet.packet) { $0.mayRepeat = true } }
            }
            let held = Set(copy.epochs.flatMap { copy.held($0) }.map(\.packet))
            for index in given.indices where !held.contains(given[index].packet[...]) { given[index].mayBeLost = true }
        case .lost:
            guard before.epochs.count == 1 else { return }
            for packet in before.held(before.epoch) { forgive(packet.packet) { $0.mayBeLost = true } }
            station.disk.loseEpoch(before.epoch, begin: Epoch(random: &generator))
        }
    }

    private mutating func forgive(_ packet: ArraySlice<UInt8>, _ change: (inout Given) -> Void) {
        guard let index = given.firstIndex(where: { $0.packet[...] == packet }) else { return }
        change(&given[index])
    }
}
