import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport

/// A station: a spool that loses at a crash what it had not committed, rings, and a memory that may be lost, or come back older.
struct SimulatedMemoryStation {
    typealias Name = MemorySimulator.Name
    typealias Sent = MemorySimulator.Sent

    static let places = 3

    /// The file of the memory.
    struct Memory: Equatable {
        var ledger: MemoryLedger
        var contents: [UInt64: Sent] = [:]
    }

    struct Layer: Hashable {
        let name: Name
        let layer: Int
    }

    var epoch: Epoch
    var firmware: UInt32 = 1
    var memory: Memory
    /// An older state of it.
    var copy: Memory
    var nextFrame: UInt64 = 0
    var committedNextFrame: UInt64 = 0
    var uncommitted: [Layer] = []
    /// Not acknowledged, and all that was ever sent.
    var unsettled: Set<Layer> = []
    var sent: [Name: Sent] = [:]
    /// Layers that were made and not sent.
    var finer: Set<Layer> = []
    /// Frames that can be encoded again.
    var rawRing: [Name] = []
    var acknowledged: Set<Layer> = []
    /// Wants whose packets must be filed before the answer goes.
    var promised: [(epoch: Epoch, want: WaitingFrames.Want, layers: Set<Layer>)] = []
    var plainMade: [Name: UInt64] = [:]

    init(epoch: Epoch) {
        self.epoch = epoch
        memory = Memory(ledger: MemoryLedger(epoch: epoch))
        copy = memory
    }

    var isBusy: Bool { !unsettled.isEmpty || !uncommitted.isEmpty || !promised.isEmpty }

    func isAcknowledged(_ frame: UInt64, _ layer: Int) -> Bool {
        acknowledged.contains(Layer(name: Name(epoch: epoch, frame: frame), layer: layer))
    }

    mutating func acknowledge(_ name: Name, _ layer: Int) {
        let key = Layer(name: name, layer: layer)
        unsettled.remove(key)
        acknowledged.insert(key)
        if name.epoch == memory.ledger.epoch { memory.ledger.acknowledge(name.frame, layer: layer) }
    }

    /// What memory holds goes with its record.
    mutating func trim() {
        for frame in memory.contents.keys where memory.ledger.records[frame] == nil { memory.contents[frame] = nil }
    }

    /// Hash of what the first `layers` layers decode to, by what memory holds.
    func decoded(_ reference: MemoryReference) -> UInt64? {
        guard let held = memory.contents[reference.frame] else { return nil }
        var below: [UInt64] = []
        for other in held.references {
            guard let hash = decoded(other) else { return nil }
            below.append(hash)
        }
        return SampleHash.of(held.layers.prefix(reference.layers), below)
    }
}

/// Stands for the hash of decoded samples.
enum SampleHash {
    static func of(_ layers: some Sequence<UInt64>, _ below: [UInt64]) -> UInt64 {
        below.reduce(layers.reduce(1, mix), mix)
    }

    static func claim(_ hashes: [UInt64]) -> UInt64 { hashes.reduce(2, mix) }

    private static func mix(_ hash: UInt64, _ value: UInt64) -> UInt64 {
        (hash ^ value &* 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9 ^ hash >> 29
    }
}

extension MemorySimulator {
    /// A frame of a place, predicted from what may be named there, or plain.
    mutating func encode(place given: Int? = nil, plain: Bool = false, again: (name: Name, scene: Int)? = nil) {
        let place = given ?? Int.random(in: 0..<SimulatedMemoryStation.places, using: &generator)
        let frame = station.nextFrame
        let name = Name(epoch: station.epoch, frame: frame)
        var references: [MemoryReference] = []
        if !plain, !chance(4) {
            for (other, held) in station.memory.contents.sorted(by: { $0.key > $1.key }) where held.place == place {
                if references.count < 2, let reference = station.memory.ledger.reference(other), !chance(3) {
                    references.append(reference)
                }
            }
        }
        let hashes = references.compactMap { station.decoded($0) }
        if hashes.count != references.count { faults.append("memory holds a frame without what it depends on") }
        if !references.isEmpty { count("predicted") }
        scenes += again == nil ? 1 : 0
        let count = Int.random(in: 1...4, using: &generator)
        let layers = (0..<count).map { _ in generator.next() }
        let content = Sent(
            scene: again?.scene ?? scenes, place: place, layers: layers, references: references,
            claim: SampleHash.claim(hashes))
        station.nextFrame += 1
        station.sent[name] = content
        let sentCount = Int.random(in: 1...count, using: &generator)
        for layer in 0..<count {
            let key = SimulatedMemoryStation.Layer(name: name, layer: layer)
            if layer < sentCount { station.uncommitted.append(key) } else { station.finer.insert(key) }
        }
        let refusal = station.memory.ledger.encode(
            frame, layers: count, references: references, firmware: station.firmware)
        if let refusal { faults.append("frame \(frame) is refused: \(refusal)") }
        station.trim()
        station.memory.contents[frame] = content
        station.rawRing.append(name)
        if station.rawRing.count > 12 { station.rawRing.removeFirst() }
        if let again { station.plainMade[again.name] = frame }
    }

    mutating func commit() {
        station.unsettled.formUnion(station.uncommitted)
        station.uncommitted = []
        station.committedNextFrame = station.nextFrame
    }

    /// Everything that is not acknowledged goes again; so do answers whose packets are filed, and wants that nobody answered.
    mutating func send() {
        if hasFaults, line.count > 20 { return }
        for key in station.unsettled.sorted(by: { ($0.name.frame, $0.layer) < ($1.name.frame, $1.layer) }) {
            transmit(key)
        }
        for (index, promise) in station.promised.enumerated().reversed()
        where promise.layers.isDisjoint(with: station.unsettled)
            && promise.layers.isDisjoint(with: station.uncommitted)
        {
            line.append(.answer(promise.epoch, promise.want))
            station.promised.remove(at: index)
        }
        for (epoch, wants) in farEnd.asked { for want in wants { line.append(.want(epoch, want)) } }
    }

    private mutating func transmit(_ key: SimulatedMemoryStation.Layer) {
        guard let content = station.sent[key.name] else { return }
        line.append(
            .layer(
                key.name, layer: key.layer, octets: content.layers[key.layer], head: key.layer == 0 ? content : nil))
    }

    /// The far end asks for layers or for a plain frame.
    mutating func serve(_ epoch: Epoch, _ want: WaitingFrames.Want) {
        guard !station.promised.contains(where: { $0.epoch == epoch && $0.want == want }) else { return }
        var layers: Set<SimulatedMemoryStation.Layer> = []
        switch want {
        case .layers(let reference):
            // memory holds whatever it may name, so it can send it again
            guard epoch == station.epoch, station.memory.contents[reference.frame] != nil else { break }
            count("served")
            let name = Name(epoch: epoch, frame: reference.frame)
            for layer in 0..<reference.layers { layers.insert(.init(name: name, layer: layer)) }
            station.unsettled.formUnion(layers)
        case .plain(let frame):
            if epoch == station.epoch {
                station.memory.ledger.distrust(frame)
                station.trim()
            }
            let name = Name(epoch: epoch, frame: frame)
            guard station.rawRing.contains(name), let content = station.sent[name] else { break }
            if station.plainMade[name] == nil {
                count("plain")
                encode(place: content.place, plain: true, again: (name, content.scene))
            }
            let made = station.plainMade[name]
            layers = Set((station.uncommitted + station.unsettled).filter { $0.name.frame == made })
        }
        station.promised.append((epoch, want, layers))
    }

    mutating func stumble() {
        if chance(80) { crash() }
        if chance(150) { station.copy = station.memory }
        if chance(60), let frame = station.memory.ledger.records.keys.sorted().randomElement(using: &generator) {
            count("evicted")
            station.memory.ledger.forget(frame)
            station.trim()
        }
        if chance(60) { giveUp() }
        if chance(40) { refine() }
        if chance(200) { changeFirmware() }
        if fate == .archiveLoses, chance(60) { loseArchived() }
        if fate == .memoryLies, chance(60) { falsify() }
    }

    /// Somebody wants a layer that was made and not sent.
    private mutating func refine() {
        // the spool knows nothing of a frame before its commit
        let known = station.finer.filter {
            $0.name.epoch != station.epoch || $0.name.frame < station.committedNextFrame
        }
        .sorted { ($0.name.frame, $0.layer) < ($1.name.frame, $1.layer) }
        guard let key = known.randomElement(using: &generator) else { return }
        count("refined")
        station.finer.remove(key)
        station.unsettled.insert(key)
    }

    /// The spool drops the finer layers of a frame, or all of it.
    private mutating func giveUp() {
        let waiting = station.unsettled.sorted { ($0.name.frame, $0.layer) < ($1.name.frame, $1.layer) }
        guard let key = waiting.randomElement(using: &generator) else { return }
        count("dropped")
        station.unsettled = station.unsettled.filter { $0.name != key.name || $0.layer < key.layer }
        if key.name.epoch == station.epoch { station.memory.ledger.giveUp(key.name.frame, from: key.layer) }
        station.trim()
    }

    /// The process ends; the spool comes back as of its last commit, the memory as it was, older, or not at all.
    private mutating func crash() {
        count("crashed")
        for key in station.uncommitted { station.sent[key.name] = nil }
        for key in station.finer where station.sent[key.name] == nil { station.finer.remove(key) }
        station.rawRing.removeAll { station.sent[$0] == nil }
        station.uncommitted = []
        station.nextFrame = station.committedNextFrame
        station.promised = []
        station.plainMade = station.plainMade.filter { name, frame in
            station.sent[Name(epoch: name.epoch, frame: frame)] != nil
        }
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: station.memory = .init(ledger: MemoryLedger(epoch: station.epoch))
        case 1...2: station.memory = station.copy
        default: break
        }
        if chance(5) {
            count("epochs")
            station.epoch = Epoch(random: &generator)
            station.nextFrame = 0
            station.committedNextFrame = 0
        }
        station.memory.ledger.start(epoch: station.epoch, nextFrame: station.nextFrame)
        station.trim()
        station.copy = station.memory
    }

    private mutating func changeFirmware() {
        let isCompatible = chance(2)
        let before = station.firmware
        station.firmware += 1
        station.memory.ledger.keep(firmwares: isCompatible ? [before, station.firmware] : [station.firmware])
        station.trim()
    }

    private mutating func falsify() {
        guard let frame = station.memory.contents.keys.sorted().randomElement(using: &generator) else { return }
        station.memory.contents[frame]?.layers[0] &+= 1
    }
}
