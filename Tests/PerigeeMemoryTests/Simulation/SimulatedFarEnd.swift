import PerigeeCore
import PerigeeMemory

/// The far end: an archive of layers, and what waits for references.
struct SimulatedFarEnd {
    typealias Name = MemorySimulator.Name

    struct Filed {
        var head: MemorySimulator.Sent?
        var layers: [Int: UInt64] = [:]

        /// Layers from the first on.
        var prefixCount: Int { head == nil ? 0 : (0...15).first { layers[$0] == nil } ?? 15 }

        func octets(_ count: Int) -> [UInt64] { (0..<count).compactMap { layers[$0] } }
    }

    var archive: [Epoch: [UInt64: Filed]] = [:]
    var waiting: [Epoch: WaitingFrames] = [:]
    /// Asked for, not answered.
    var asked: [Epoch: Set<WaitingFrames.Want>] = [:]
    var askedOf: [Name: Int] = [:]
    var decoded: [Name: Int] = [:]
    /// Scenes and places of frames that were decoded, with the greatest number of a plain one.
    var scenes: Set<Int> = []
    var newestKey: [Int: Int] = [:]

    var isAsking: Bool { asked.values.contains { !$0.isEmpty } }

    /// Another frame of the scene is decoded, or a later key of the place.
    func isSuperseded(_ name: Name) -> Bool {
        guard let head = archive[name.epoch]?[name.frame]?.head else { return true }
        return scenes.contains(head.scene) || newestKey[head.place] ?? 0 > head.scene
    }
}

extension MemorySimulator {
    mutating func file(_ name: Name, _ layer: Int, _ octets: UInt64, _ head: Sent?) {
        var filed = farEnd.archive[name.epoch]?[name.frame] ?? .init()
        if let known = filed.layers[layer], known != octets {
            faults.append("layer \(layer) of frame \(name.frame) came twice and differs")
        }
        filed.layers[layer] = octets
        if let head { filed.head = head }
        farEnd.archive[name.epoch, default: [:]][name.frame] = filed
        line.append(.acknowledgement(name, layer: layer))
        evaluate(name)
    }

    mutating func takeAnswer(_ epoch: Epoch, _ want: WaitingFrames.Want) {
        guard farEnd.asked[epoch]?.remove(want) != nil else { return }
        for frame in farEnd.waiting[epoch]?.answer(want) ?? [] { evaluate(Name(epoch: epoch, frame: frame)) }
    }

    /// Decodes a frame if its references are there, else asks for them.
    private mutating func evaluate(_ name: Name) {
        guard let filed = farEnd.archive[name.epoch]?[name.frame], let head = filed.head, farEnd.decoded[name] == nil
        else { return }
        let resolution = ReferenceResolver.resolve(name.frame, references: head.references) {
            filedFrame(name.epoch, $0)
        }
        var wants: [WaitingFrames.Want] = []
        switch resolution {
        case .malformed: faults.append("frame \(name.frame) has impossible references")
        case .waiting(let missing):
            count("waited")
            wants = farEnd.waiting[name.epoch, default: .init()].wait(name.frame, missing: missing)
        case .decodable:
            let claim = SampleHash.claim(head.references.map { decoded(name.epoch, $0) })
            if claim == head.claim {
                decode(name, head)
            } else {
                count("differed")
                if fate == .calm { faults.append("the reference of frame \(name.frame) differs") }
                wants = farEnd.waiting[name.epoch, default: .init()].differ(name.frame)
            }
        }
        if wants.isEmpty { return }
        count("want")
        farEnd.askedOf[name, default: 0] += 1
        if farEnd.askedOf[name] ?? 0 > 2 { faults.append("frame \(name.frame) is asked for a third time") }
        farEnd.asked[name.epoch, default: []].formUnion(wants)
    }

    private mutating func decode(_ name: Name, _ head: Sent) {
        count("decoded")
        farEnd.decoded[name] = head.scene
        farEnd.scenes.insert(head.scene)
        if head.references.isEmpty { farEnd.newestKey[head.place] = max(farEnd.newestKey[head.place] ?? 0, head.scene) }
        farEnd.waiting[name.epoch]?.settle(name.frame)
    }

    private func filedFrame(_ epoch: Epoch, _ frame: UInt64) -> FiledFrame? {
        guard let filed = farEnd.archive[epoch]?[frame], let head = filed.head else { return nil }
        return FiledFrame(layers: filed.prefixCount, references: head.references)
    }

    private func decoded(_ epoch: Epoch, _ reference: MemoryReference) -> UInt64 {
        guard let filed = farEnd.archive[epoch]?[reference.frame] else { return 0 }
        let below = (filed.head?.references ?? []).map { decoded(epoch, $0) }
        return SampleHash.of(filed.octets(reference.layers), below)
    }

    /// A disk at the far end fails: a frame, or its finer layers, are gone.
    mutating func loseArchived() {
        guard let frame = farEnd.archive[station.epoch]?.keys.sorted().randomElement(using: &generator) else { return }
        count("lost")
        if chance(2) {
            farEnd.archive[station.epoch]?[frame] = nil
            // what is not there waits for nothing
            farEnd.waiting[station.epoch]?.settle(frame)
            farEnd.askedOf[Name(epoch: station.epoch, frame: frame)] = nil
        } else {
            farEnd.archive[station.epoch]?[frame]?.layers = [:]
        }
    }
}
