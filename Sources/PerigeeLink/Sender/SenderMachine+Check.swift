internal import PerigeeCore

/// Whether the gateway's history of an epoch is ours. Its highest packet must be the one that we hold under that number, if we do.
/// Above it the gateway has tombstones only, so that we must hold no packet there that it covers: an old copy of our file may have
/// given those numbers anew.
struct SenderCheck: Sendable {
    let welcome: LinkMessage.Welcome
    /// The packet that the store must compare; nil once it has, or where it is settled.
    var digest: PacketDigest?
    /// What is still to be looked through above it, by priority.
    var rest: [Int: Range<UInt64>] = [:]
    /// The gateway asks right behind its WELCOME.
    var wants: [LinkMessage.Want] = []

    init(_ welcome: LinkMessage.Welcome, lowest: UInt64) {
        self.welcome = welcome
        if let check = welcome.check, check.number >= lowest { digest = check }
        let start = max(lowest, (welcome.check?.number ?? 0) + 1)
        let end = welcome.acknowledgement.highest + 1
        guard start < end else { return }
        for priority in 0...Int(LinkLimit.priority) { rest[priority] = start..<end }
    }

    /// The highest number that the gateway has something of.
    var highest: UInt64 { max(welcome.acknowledgement.highest, welcome.check?.number ?? 0) }
    var isDone: Bool { digest == nil && rest.isEmpty }
}

extension SenderMachine {
    func ask(_ check: SenderCheck, _ priority: Int, _ store: StoreState, _ actions: inout [Action]) {
        guard let numbers = check.rest[priority] else { return }
        actions.append(
            .store(
                .load(epoch: store.epoch, priority: priority, numbers: numbers, size: configuration.batchSize)))
    }

    mutating func take(verified number: UInt64, _ fits: Bool, _ now: LinkTime, _ actions: inout [Action]) {
        guard case .checking(var check) = phase, number == check.digest?.number else { return }
        guard fits else { return fork(&actions) }
        check.digest = nil
        finish(check, now, &actions)
    }

    mutating func take(
        checked priority: Int, _ looked: Range<UInt64>, _ packets: [StoredPacket], _ now: LinkTime,
        _ actions: inout [Action]
    ) {
        // an answer to a session before may come here: it begins elsewhere
        guard case .checking(var check) = phase, let store, let rest = check.rest[priority],
            looked.lowerBound == rest.lowerBound
        else { return }
        if packets.contains(where: { check.welcome.acknowledgement.contains($0.number) }) { return fork(&actions) }
        if looked.isEmpty || looked.upperBound >= rest.upperBound {
            check.rest[priority] = nil
        } else {
            check.rest[priority] = looked.upperBound..<rest.upperBound
            ask(check, priority, store, &actions)
        }
        finish(check, now, &actions)
    }

    private mutating func finish(_ check: SenderCheck, _ now: LinkTime, _ actions: inout [Action]) {
        phase = .checking(check)
        guard check.isDone else { return }
        open(check.welcome, now, &actions)
        for want in check.wants {
            guard case .open(var session) = phase else { return }
            take(want, &session, &actions)
            phase = .open(session)
        }
    }
}
