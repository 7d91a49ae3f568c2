import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeMemory
import PerigeeTestSupport

// What befalls the station.
extension ReferenceSimulator {
    /// The process ends: the spool comes back as of its last commit or as an old copy, the memory as it was, older, or not at all.
    mutating func crashStation() {
        count("station crashed")
        if fate == .restored, chance(3), let copy = station.copy { station.disk = copy }
        if fate != .restored, chance(6) {
            count("epochs")
            station.disk.spool.beginEpoch(Epoch(random: &generator))
            station.disk.nextFrame = 0
        }
        station.work = station.disk
        station.commitAt = nil
        station.answers = []
        station.promised = []
        station.filed = []
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: station.places = .init(ledger: MemoryLedger(epoch: station.disk.spool.epoch))
        case 1...2: station.places = station.placesCopy
        default: break
        }
        station.places.ledger.start(epoch: station.disk.spool.epoch, nextFrame: station.disk.nextFrame)
        station.places.trim()
        station.placesCopy = station.places
        station.settings.boot += 1
        closeSocket()
        station.machine = .init(station.settings)
        step(.store(station.disk.spool.state))
    }

    /// Memory makes room.
    mutating func evict() {
        guard let frame = station.places.ledger.records.keys.sorted().randomElement(using: &generator) else { return }
        count("evicted")
        station.places.ledger.forget(frame)
        station.places.trim()
    }

    /// The spool makes room: the finer layers of a frame go, or all of it.
    mutating func drop() {
        let epoch = station.work.spool.epoch
        let held = station.work.spool.held(epoch)
        guard let first = held.randomElement(using: &generator), let name = LayerName(first.packet) else { return }
        count("dropped")
        for packet in held {
            guard let other = LayerName(packet.packet), other.frame == name.frame, other.layer >= name.layer else {
                continue
            }
            _ = station.work.spool.drop(packet.number..<packet.number + 1, reason: .quota)
        }
        if station.places.ledger.epoch == epoch { station.places.ledger.giveUp(name.frame, from: name.layer) }
        station.places.trim()
        station.commitAt = station.commitAt ?? now + 50
    }

    /// Somebody wants the layers that were made and not sent.
    mutating func refine() {
        let open = station.work.finer.filter { $0.key.key.epoch == station.work.spool.epoch && !$0.value.isEmpty }
        guard let name = open.keys.min(by: { $0.number < $1.number }) else { return }
        count("refined")
        for packet in station.work.finer.removeValue(forKey: name) ?? [] {
            _ = station.work.spool.append(packet, now: time.utc)
        }
        station.commitAt = station.commitAt ?? now + 50
    }

    /// A layer in memory changes, and its checksum is right all the same.
    mutating func falsify() {
        guard let frame = station.places.contents.keys.sorted().randomElement(using: &generator) else { return }
        count("falsified")
        station.places.contents[frame]?.layers[0][0] &+= 1
    }
}
