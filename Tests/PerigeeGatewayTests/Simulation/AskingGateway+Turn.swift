import PerigeeArchive
import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeMemory
import PerigeeTestSupport

// What the gateway makes of filed frames, and what must hold then.
extension ReferenceSimulator {
    mutating func turnSoon() {
        gateway.turnAt = min(gateway.turnAt ?? .max, now + Int64.random(in: 1...1_000, using: &generator))
    }

    /// One turn of the gateway's book and of a renderer.
    mutating func turnGateway() {
        gateway.turnAt = nil
        lookForWants()
        for want in gateway.ledger.giveUp(now: time.utc) { if !want.state.isFinal { faults.append("given up") } }
        let fresh = gateway.fresh.sorted { ($0.key.epoch.text, $0.number) < ($1.key.epoch.text, $1.number) }
        gateway.fresh = []
        render(fresh)
        let gatewayNow = gateway
        let findings = gateway.book.turn(gateway.ledger, filed: fresh.compactMap(gatewayNow.prediction)) {
            gatewayNow.prediction($0)
        }
        for (name, frame) in findings.changes where frame == nil { gateway.rounds[name] = nil }
        for name in findings.replaced {
            gateway.replaced.insert(name)
            let plain = ArchiveWant.Subject.plain(number: name.number)
            for (identity, want) in gateway.ledger.wants where want.subject == plain && want.epoch == name.key.epoch {
                _ = gateway.ledger.present(identity, .init(count: 0, isComplete: true), now: time.utc)
                turnSoon()
            }
        }
        for question in findings.wants { want(question.subject, of: question.key, .waitingForReference) }
        lookForWants()
        wantNow()
    }

    private mutating func want(_ subject: ArchiveWant.Subject, of key: EpochKey, _ reason: ArchiveWant.Reason) {
        count(reason.rawValue)
        var want = ArchiveWant(
            id: .random(in: 1 ... .max, using: &generator), station: key.station, epoch: key.epoch, priority: 2,
            subject: subject, created: time.utc)
        want.reason = reason
        gateway.ledger.add(want)
        turnSoon()
        guard case .plain(let number) = subject, reason == .waitingForReference else { return }
        let name = FrameName(key: key, number: number)
        gateway.rounds[name, default: 0] += 1
        if gateway.rounds[name] ?? 0 > 1 { faults.append("frame \(number) is wanted plain a second time") }
        if fate == .calm { faults.append("asked for what was never missing") }
    }

    /// An operator takes a want back.
    mutating func takeBack() {
        let open = gateway.ledger.wants.values.filter { !$0.state.isFinal }.map(\.id).sorted()
        guard let identity = open.randomElement(using: &generator) else { return }
        count("taken back")
        gateway.ledger.remove(identity)
        turnSoon()
    }

    /// Whether what was wanted is here.
    private mutating func lookForWants() {
        for (identity, want) in gateway.ledger.wants where !want.state.isFinal {
            guard let presence = presence(want) else { continue }
            if gateway.ledger.present(identity, presence, now: time.utc) != nil { turnSoon() }
        }
    }

    private func presence(_ want: ArchiveWant) -> ArchiveReader.Presence? {
        guard case .reference(let number, let layers) = want.subject else { return nil }
        let filed = gateway.frames[FrameName(key: EpochKey(station: Self.name, epoch: want.epoch), number: number)]
        return .init(count: filed?.partCount ?? 0, isComplete: filed?.prefixCount ?? 0 >= layers)
    }

    /// Asks the session for what is due, each want once.
    mutating func wantNow() {
        guard let machine = gateway.machine else { return }
        for want in gateway.ledger.due(now: time) where !gateway.asked.contains(want.id) {
            let subject: LinkMessage.Want.Subject
            switch want.subject {
            case .reference(let number, let layers):
                subject = .reference(epoch: want.epoch, number: number, layers: layers)
            case .plain(let number): subject = .plain(epoch: want.epoch, number: number)
            case .numbers, .frame: continue
            }
            gateway.asked.insert(want.id)
            reply(.want(.init(session: machine.session, request: want.id, priority: 2, subject: subject)))
            _ = gateway.ledger.asked(want.id, present: presence(want)?.count ?? 0, now: time.utc)
        }
    }

    /// Decodes what can be decoded now: the hash of what it was predicted from must be that of the station.
    private mutating func render(_ fresh: [FrameName]) {
        let waiting = gateway.frames.keys.filter { !gateway.decoded.contains($0) && !gateway.differing.contains($0) }
        for name in waiting.sorted(by: { $0.number < $1.number }) {
            guard let filed = gateway.frames[name], let metadata = filed.metadata else { continue }
            let references = filed.references(of: name.number)
            guard case .decodable = resolve(name, references) else { continue }
            guard let names = metadata.references else {
                gateway.decoded.insert(name)
                continue
            }
            if SampleHash.claim(references.map { gateway.decoded(name.key, $0) }) == names.hash {
                count("decoded")
                gateway.decoded.insert(name)
                continue
            }
            count("differed")
            gateway.differing.insert(name)
            if fate != .memoryLies { faults.append("the reference of frame \(name.number) differs") }
            want(.plain(number: name.number), of: name.key, .referenceDiffers)
        }
    }

    private func resolve(_ name: FrameName, _ references: [MemoryReference]) -> ReferenceResolver.Resolution {
        ReferenceResolver.resolve(name.number, references: references) { number in
            guard let filed = gateway.frames[FrameName(key: name.key, number: number)], filed.metadata != nil else {
                return nil
            }
            return FiledFrame(layers: filed.prefixCount, references: filed.references(of: number))
        }
    }

    /// After each delivery: what the station may name is filed as it says, wholly, with what it depends on.
    func nameableFaults() -> [String] {
        guard fate == .calm || fate == .restored else { return [] }
        let key = EpochKey(station: Self.name, epoch: station.places.ledger.epoch)
        // a copy that came back numbers frames anew until the gateway's WELCOME has shown what it is
        if fate == .restored, gateway.epoch != key.epoch { return [] }
        var wrong: [String] = []
        for frame in station.places.ledger.records.keys {
            guard let reference = station.places.ledger.reference(frame) else { continue }
            let filed = gateway.frames[FrameName(key: key, number: frame)]
            guard let filed, filed.prefixCount >= reference.layers else {
                wrong.append("frame \(frame) may be named, but is not filed")
                continue
            }
            let held = station.places.contents[frame]
            if held?.layers.prefix(reference.layers).elementsEqual(filed.octets(reference.layers)) != true
                || held?.references != filed.references(of: frame)
                || station.places.decoded(reference) != gateway.decoded(key, reference)
            {
                wrong.append("frame \(frame) is another one at the far end")
            }
        }
        return wrong
    }

    mutating func checkNameable() { faults += nameableFaults() }

    /// At the end nothing waits that could have come: each frame is decoded, replaced, or lost after both questions.
    mutating func checkEnd() {
        checkNameable()
        let frames = gateway.book.frames
        for (name, filed) in gateway.frames where filed.metadata?.references != nil {
            let resolution = resolve(name, filed.references(of: name.number))
            if gateway.decoded.contains(name) || gateway.replaced.contains(name) { continue }
            switch (resolution, frames[name]) {
            case (.waiting, let frame?) where frame.isLost: count("given up")
            case (.decodable, let frame?) where frame.isLost && gateway.differing.contains(name): count("given up")
            default: faults.append("frame \(name.number) waits: \(resolution), \(String(describing: frames[name]))")
            }
        }
        for (name, _) in frames where gateway.decoded.contains(name) {
            faults.append("frame \(name.number) is decoded and waits")
        }
        if fate == .calm, counts["given up"] != nil { faults.append("a frame is lost in calm weather") }
    }
}
