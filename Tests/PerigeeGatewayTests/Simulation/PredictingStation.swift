import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeMemory
import PerigeeTestSupport

/// A station: its machine, a spool of which only what was committed is on disk, and a memory of places in a file of its own.
struct PredictingStation {
    static let places = 3

    /// A frame in memory: what it was made of.
    struct Held: Equatable {
        let place: Int
        var layers: [[UInt8]]
        let references: [MemoryReference]
        let metadata: FrameMetadata
    }

    /// The file of the memory.
    struct Places: Equatable {
        var ledger: MemoryLedger
        var contents: [UInt64: Held] = [:]

        /// What memory holds goes with its record.
        mutating func trim() { contents = contents.filter { ledger.records[$0.key] != nil } }

        /// Hash of what the first layers decode to, by what memory holds.
        func decoded(_ reference: MemoryReference) -> UInt64? {
            guard let held = contents[reference.frame] else { return nil }
            let below = held.references.compactMap { decoded($0) }
            return below.count == held.references.count
                ? SampleHash.of(held.layers.prefix(reference.layers), below) : nil
        }
    }

    /// What the spool commits together.
    struct Disk {
        var spool: MemoryStore
        var nextFrame: UInt64 = 0
        /// Frames that can be encoded again: their scene and place.
        var raw: [FrameName: (scene: Int, place: Int)] = [:]
        /// Frames that were encoded again, and how many packets that made.
        var plain: [FrameName: Int] = [:]
        /// Packets of layers that were made and not sent.
        var finer: [FrameName: [[UInt8]]] = [:]
    }

    var settings: SenderConfiguration
    var machine: SenderMachine
    /// What was done, and what a commit made durable.
    var work: Disk
    var disk: Disk
    /// An old copy of the disk.
    var copy: Disk?
    var places: Places
    var placesCopy: Places
    var commitAt: Int64?
    /// What the store says, in order.
    var answers: [(time: Int64, event: SenderMachine.Event)] = []
    /// Said once it is committed: answers to wants, and layers that the gateway has filed.
    var promised: [LinkMessage.Answer] = []
    var filed: [(epoch: Epoch, frame: UInt64, layer: Int)] = []

    init(using generator: inout SeededGenerator) throws {
        settings = SenderConfiguration(station: try StationName(ReferenceSimulator.name), boot: 1)
        machine = SenderMachine(settings)
        let epoch = Epoch(random: &generator)
        work = Disk(spool: MemoryStore(epoch: epoch, sizeLimit: 1 << 20, buriesRejected: true))
        disk = work
        places = Places(ledger: MemoryLedger(epoch: epoch))
        placesCopy = places
    }

    /// Nothing is on its way between machine and disk, and all is settled.
    var isQuiet: Bool {
        answers.isEmpty && commitAt == nil && work.spool.heldSize == 0 && work.spool.epochs.count == 1
            && work.spool.state.tombstones.isEmpty
    }
}

/// What a packet is of.
struct LayerName: Equatable {
    let frame: UInt64
    let layer: Int

    init?(_ packet: some Sequence<UInt8>) {
        guard case .part(let part)? = (try? Packet(parsing: Array(packet)[...]))?.body else { return nil }
        (frame, layer) = (part.frameDelta, part.layer)
    }
}

extension ReferenceSimulator {
    mutating func step(_ event: SenderMachine.Event) {
        for action in station.machine.handle(event, now: time, using: &generator) {
            switch action {
            case .openSocket: openSocket()
            case .closeSocket: closeSocket()
            case .send(let octets): sendUp(octets)
            case .store(let request): ask(request)
            case .stopped(let reason): faults.append("stopped: \(reason)")
            }
        }
    }

    /// A frame of a place, predicted from what may be named there, or plain; `again`: of a frame that was taken before.
    @discardableResult
    mutating func encode(
        place given: Int? = nil, isPlain: Bool = false, again: (name: FrameName, scene: Int)? = nil
    ) -> Int {
        let place = given ?? Int.random(in: 0..<PredictingStation.places, using: &generator)
        let epoch = station.work.spool.epoch
        let number = station.work.nextFrame
        var references: [MemoryReference] = []
        if !isPlain, station.places.ledger.epoch == epoch, !chance(5) {
            for (other, held) in station.places.contents.sorted(by: { $0.key > $1.key }) where held.place == place {
                guard references.count < 2, let reference = station.places.ledger.reference(other), !chance(3) else {
                    continue
                }
                references.append(reference)
            }
        }
        let hashes = references.compactMap { station.places.decoded($0) }
        if hashes.count != references.count { faults.append("memory holds a frame without what it depends on") }
        var metadata = FrameMetadata()
        if !references.isEmpty {
            count("predicted")
            metadata.references = .init(
                frames: references.map { .init(back: number - $0.frame, layers: $0.layers) },
                hash: SampleHash.claim(hashes))
        }
        if let again {
            metadata.replaces =
                again.name.key.epoch == epoch
                ? .earlier(back: number - again.name.number) : .other(again.name.key.epoch, frame: again.name.number)
        } else {
            scenes += 1
        }
        let layers = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
            (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        let packets = Self.packets(layers, metadata, number)
        let sent = Int.random(in: 1...layers.count, using: &generator)
        let name = FrameName(key: EpochKey(station: Self.name, epoch: epoch), number: number)
        station.work.nextFrame += 1
        station.work.raw[name] = (again?.scene ?? scenes, place)
        if station.work.raw.count > 15, let oldest = station.work.raw.min(by: { $0.value.scene < $1.value.scene }) {
            station.work.raw[oldest.key] = nil
        }
        station.work.finer[name] = Array(packets.dropFirst(sent))
        append(packets.prefix(sent))
        let refusal = station.places.ledger.encode(number, layers: layers.count, references: references, firmware: 1)
        if let refusal, station.places.ledger.epoch == epoch { faults.append("frame \(number) is refused: \(refusal)") }
        station.places.contents[number] = .init(
            place: place, layers: layers, references: references, metadata: metadata)
        station.places.trim()
        return sent
    }

    /// One packet for each layer.
    static func packets(_ layers: [[UInt8]], _ metadata: FrameMetadata, _ number: UInt64) -> [[UInt8]] {
        Packet.parts(of: layers, metadata: metadata, frame: number, declaration: 1, stream: stream).map { $0.packed() }
    }

    private mutating func append(_ packets: some Sequence<[UInt8]>) {
        for packet in packets where station.work.spool.append(packet, now: time.utc) == nil {
            faults.append("no room in the spool")
        }
        commitSoon()
    }

    private mutating func commitSoon() {
        guard station.commitAt == nil else { return }
        station.commitAt = now + Int64.random(in: 1...(chance(50) ? 10_000 : 100), using: &generator)
    }

    mutating func commitStation() {
        station.commitAt = nil
        station.disk = station.work
        answer(.store(station.disk.spool.state))
        for promise in station.promised { answer(.answer(promise)) }
        station.promised = []
        for (epoch, frame, layer) in station.filed where epoch == station.places.ledger.epoch {
            station.places.ledger.acknowledge(frame, layer: layer)
        }
        station.filed = []
    }

    private mutating func answer(_ event: SenderMachine.Event) {
        let time = max(station.answers.last?.time ?? now, now + Int64.random(in: 0...20, using: &generator))
        station.answers.append((time, event))
    }

    /// Reads see what is committed; writes are committed later, in groups.
    private mutating func ask(_ request: StoreRequest) {
        switch request {
        case .load, .verify, .replay:
            for event in station.disk.spool.handle(request, using: &generator) { answer(event) }
            return
        case .want(_, let want): return serve(want)
        case .settle(let epoch, let acknowledgement):
            for packet in station.work.spool.held(epoch) where acknowledgement.contains(packet.number) {
                if let name = LayerName(packet.packet) { station.filed.append((epoch, name.frame, name.layer)) }
            }
        case .fork(let epoch): return fork(epoch, request)
        default: break
        }
        _ = station.work.spool.handle(request, using: &generator)
        commitSoon()
    }

    /// What is not settled goes on in another epoch, with the numbers that its frames have.
    private mutating func fork(_ epoch: Epoch, _ request: StoreRequest) {
        count("forked")
        let moved = Set(station.work.spool.held(epoch).compactMap { LayerName($0.packet)?.frame })
        _ = station.work.spool.handle(request, using: &generator)
        let key = EpochKey(station: Self.name, epoch: station.work.spool.epoch)
        for (name, raw) in station.work.raw where name.key.epoch == epoch && moved.contains(name.number) {
            station.work.raw[FrameName(key: key, number: name.number)] = raw
        }
        station.places.ledger.start(epoch: key.epoch, nextFrame: station.work.nextFrame)
        station.places.trim()
        commitSoon()
    }

    // MARK: what the gateway wants

    private mutating func serve(_ want: LinkMessage.Want) {
        var answer = LinkMessage.Answer(session: want.session, request: want.request, outcome: .gone, packets: 0)
        let epoch = station.work.spool.epoch
        switch want.subject {
        case .reference(epoch, let number, let layers):
            // memory holds whatever it may name, so it can send it again
            guard station.places.ledger.epoch == epoch, let held = station.places.contents[number],
                held.layers.count >= layers
            else { break }
            count("served")
            append(Self.packets(held.layers, held.metadata, number).prefix(layers))
            (answer.outcome, answer.packets) = (.accepted, layers)
        case .plain(let other, let number):
            let name = FrameName(key: EpochKey(station: Self.name, epoch: other), number: number)
            if other == station.places.ledger.epoch {
                station.places.ledger.distrust(number)
                station.places.trim()
            }
            guard let raw = station.work.raw[name] else { break }
            if station.work.plain[name] == nil {
                count("plain")
                station.work.plain[name] = encode(place: raw.place, isPlain: true, again: (name, raw.scene))
            }
            (answer.outcome, answer.packets) = (.accepted, station.work.plain[name] ?? 0)
        case .numbers, .frame, .reference: break
        }
        station.promised.append(answer)
        commitSoon()
    }
}
