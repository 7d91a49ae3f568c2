import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport

/// A station that names references and a far end that decodes them, over a line that loses, doubles and reorders. One seed, one history.
/// A number stands for the octets of a layer, a hash of such numbers for decoded samples.
struct MemorySimulator {
    /// What befalls the two ends beside a bad line, crashes, evictions, dropped layers and new epochs.
    enum Fate: UInt64, CaseIterable {
        /// Nothing.
        case calm
        /// The far end loses what it had filed.
        case archiveLoses
        /// The station's memory holds other octets than it sent, and nothing notices.
        case memoryLies
    }

    /// A frame as it was encoded.
    struct Sent: Equatable {
        let scene: Int
        let place: Int
        var layers: [UInt64]
        let references: [MemoryReference]
        /// Hash of the assembled reference.
        let claim: UInt64
    }

    struct Name: Hashable {
        let epoch: Epoch
        let frame: UInt64
    }

    enum Message {
        case layer(Name, layer: Int, octets: UInt64, head: Sent?)
        case answer(Epoch, WaitingFrames.Want)
        case acknowledgement(Name, layer: Int)
        case want(Epoch, WaitingFrames.Want)
    }

    let fate: Fate
    var generator: SeededGenerator
    var station: SimulatedMemoryStation
    var farEnd = SimulatedFarEnd()
    /// On its way, both ways: taken out in any order.
    var line: [Message] = []
    var faults: [String] = []
    var hasFaults = true
    /// How often each thing happened, so that a test can say that it did.
    var counts: [String: Int] = [:]
    var scenes = 0

    init(seed: UInt64) {
        fate = Fate(rawValue: seed % UInt64(Fate.allCases.count)) ?? .calm
        generator = SeededGenerator(seed: seed)
        station = SimulatedMemoryStation(epoch: Epoch(random: &generator))
    }

    mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }

    mutating func count(_ event: String) { counts[event, default: 0] += 1 }

    /// Time and chance over `steps` events, then without faults until nothing is on its way.
    mutating func run(steps: Int) {
        for _ in 0..<steps {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0: encode()
            case 1: commit()
            case 2: send()
            default: deliver()
            }
            stumble()
        }
        settle()
        finish()
    }

    /// A key of each place ends what still waits.
    private mutating func finish() {
        for place in 0..<SimulatedMemoryStation.places { encode(place: place, plain: true) }
        settle()
        if fate == .calm, counts["want"] != nil { faults.append("asked for what was never missing") }
        for (epoch, waiting) in farEnd.waiting {
            for (frame, reason) in waiting.reasons where !waiting.lost.contains(frame) {
                faults.append("frame \(frame) of \(epoch.text) still waits: \(reason)")
            }
            for frame in waiting.lost where !farEnd.isSuperseded(Name(epoch: epoch, frame: frame)) {
                faults.append("no key came after frame \(frame)")
            }
        }
    }

    private mutating func settle() {
        hasFaults = false
        var rounds = 0
        repeat {
            commit()
            send()
            while !line.isEmpty { deliver() }
            rounds += 1
            if rounds > 200 { return faults.append("not quiet after \(rounds) rounds") }
        } while station.isBusy || farEnd.isAsking
    }

    private mutating func deliver() {
        guard !line.isEmpty else { return }
        line.swapAt(Int.random(in: 0..<line.count, using: &generator), line.count - 1)
        let message = line[line.count - 1]
        let arrivesAgain = hasFaults && chance(8)
        if !arrivesAgain { line.removeLast() }
        if hasFaults, !arrivesAgain, chance(8) { return }  // lost
        switch message {
        case .layer(let name, let layer, let octets, let head): file(name, layer, octets, head)
        case .answer(let epoch, let want): takeAnswer(epoch, want)
        case .acknowledgement(let name, let layer): station.acknowledge(name, layer)
        case .want(let epoch, let want): serve(epoch, want)
        }
        check()
    }

    /// After each delivery: what the station may name is filed as it says, wholly, with what it depends on.
    private mutating func check() {
        let shelf = farEnd.archive[station.epoch] ?? [:]
        for (frame, record) in station.memory.ledger.records {
            guard let reference = station.memory.ledger.reference(frame) else { continue }
            for layer in 0..<reference.layers where !station.isAcknowledged(frame, layer) {
                faults.append("layer \(layer) of frame \(frame) counts without an acknowledgement")
            }
            guard fate == .calm else { continue }
            guard let filed = shelf[frame], filed.prefixCount >= reference.layers else {
                faults.append("frame \(frame) may be named, but is not filed")
                continue
            }
            let held = station.memory.contents[frame]
            if held?.layers.prefix(reference.layers).elementsEqual(filed.octets(reference.layers)) != true
                || filed.head?.references != record.references
            {
                faults.append("frame \(frame) is another one at the far end")
            }
        }
    }
}
