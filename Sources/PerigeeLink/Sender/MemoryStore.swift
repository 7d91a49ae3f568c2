public import PerigeeCore

/// A store in memory, as a value: what a `SenderMachine` asks is answered at once. It ends with its owner; copies of it serve
/// simulations as disks.
public struct MemoryStore: Sendable {
    /// One epoch and its packets.
    struct Life: Sendable {
        struct Entry: Sendable {
            let packet: ArraySlice<UInt8>
            let priority: Int
            let stored: Timestamp
        }

        let epoch: Epoch
        var lowest: UInt64 = 1
        /// `entries[head]` is number `lowest`; nil is settled, or under a tombstone.
        var entries: [Entry?] = []
        var head = 0
        var tombstones: [Tombstone] = []
        var isClosed = false
        var isLost = false
        var heldCount = 0
        var heldByPriority = [Int](repeating: 0, count: Int(LinkLimit.priority) + 1)

        var next: UInt64 { lowest + UInt64(entries.count - head) }
        var heldSize: Int { heldByPriority.reduce(0, +) }
        func index(_ number: UInt64) -> Int { head + Int(number - lowest) }
    }

    /// Octets of packets it may hold.
    public let sizeLimit: Int
    /// A packet that is set aside leaves a tombstone, for gateways that take them.
    public let buriesRejected: Bool
    /// How many settled packets are kept for a WANT.
    public var keptCount = 0
    private var kept: [(epoch: Epoch, packet: StoredPacket)] = []
    /// Numbers of packets that the gateway has refused for good.
    public private(set) var setAside: [UInt64] = []
    /// Not finished, oldest first; never empty.
    var lives: [Life]

    /// An empty store of at most `sizeLimit` octets.
    public init(epoch: Epoch, sizeLimit: Int, buriesRejected: Bool = false) {
        self.sizeLimit = sizeLimit
        self.buriesRejected = buriesRejected
        lives = [Life(epoch: epoch)]
    }

    /// The epoch that new packets belong to, and the number of the next of them.
    public var epoch: Epoch { lives[lives.count - 1].epoch }
    public var next: UInt64 { lives[lives.count - 1].next }
    public var heldSize: Int { lives.reduce(0) { $0 + $1.heldSize } }

    /// What it holds of the oldest epoch that is not finished.
    public var state: StoreState {
        let life = lives[0]
        var state = StoreState(epoch: life.epoch, lowest: life.lowest, next: life.next)
        state.heldCount = life.heldCount
        state.heldByPriority = life.heldByPriority
        state.heldSize = life.heldSize
        state.oldest = life.entries[life.head...].first { $0 != nil }??.stored
        state.tombstones = Array(life.tombstones.prefix(LinkLimit.tombstones))
        state.isClosed = life.isClosed
        state.isLost = life.isLost
        return state
    }

    /// Takes a packet and answers its number, or nil where there is no room now.
    public mutating func append(_ packet: [UInt8], priority: Int = 2, now: Timestamp) -> UInt64? {
        guard packet.count <= sizeLimit - heldSize else { return nil }
        return lives[lives.count - 1].append(.init(packet: packet[...], priority: priority, stored: now))
    }

    /// Gives up on packets of the open epoch, with a tombstone for each that was held; answers those.
    public mutating func drop(_ numbers: Range<UInt64>, reason: TombstoneReason) -> [StoredPacket] {
        let last = lives.count - 1
        var dropped: [StoredPacket] = []
        for number in numbers.clamped(to: lives[last].lowest..<lives[last].next) {
            if let packet = lives[last].bury(number, reason) { dropped.append(packet) }
        }
        lives[last].advance()
        return dropped
    }

    /// Packets of an epoch that are not settled, ascending.
    public func held(_ epoch: Epoch) -> [StoredPacket] {
        guard let life = lives.first(where: { $0.epoch == epoch }) else { return [] }
        return life.entries[life.head...].enumerated().compactMap { offset, entry in
            entry.map {
                StoredPacket(number: life.lowest + UInt64(offset), priority: $0.priority, packet: $0.packet)
            }
        }
    }

    /// Epochs that are not finished, oldest first.
    public var epochs: [Epoch] { lives.map(\.epoch) }

    /// Begins a new epoch; the old one is served until it is settled.
    public mutating func beginEpoch(_ epoch: Epoch) {
        lives[lives.count - 1].isClosed = true
        lives.append(Life(epoch: epoch))
    }

    /// The epoch's file is gone; only its name is left.
    public mutating func loseEpoch(_ epoch: Epoch, begin: Epoch) {
        var life = Life(epoch: epoch)
        life.isClosed = true
        life.isLost = true
        lives = [life, Life(epoch: begin)]
    }

    /// Does what a machine asks, and answers with the events for it.
    public mutating func handle(
        _ request: StoreRequest, using generator: inout some RandomNumberGenerator
    ) -> [SenderMachine.Event] {
        switch request {
        case .load(let epoch, let priority, let numbers, let size):
            guard let life = lives.first(where: { $0.epoch == epoch }) else { return [] }
            let (looked, packets) = life.load(priority, numbers, size)
            return [.loaded(epoch: epoch, priority: priority, numbers: looked, packets: packets)]
        case .verify(let epoch, let digest):
            let held = lives.first { $0.epoch == epoch }?.entry(digest.number)
            let fits = held.map { PacketDigest(number: digest.number, packet: $0.packet) == digest } ?? true
            return [.verified(epoch: epoch, number: digest.number, fits: fits)]
        case .settle(let epoch, let acknowledgement):
            var settled: [StoredPacket] = []
            change(epoch) { settled = $0.settle(acknowledgement) }
            kept += settled.suffix(keptCount).map { (epoch, $0) }
            kept.removeFirst(max(kept.count - keptCount, 0))
        case .setAside(let epoch, let number, _, _):
            let buries = buriesRejected
            let isHeld = lives.first { $0.epoch == epoch }?.entry(number) != nil
            if isHeld { setAside.append(number) }
            change(epoch) { life in
                if buries { life.bury(number, .rejected) } else { life.release(number) }
                life.advance()
            }
        case .bury(let epoch, let stone):
            change(epoch) { life in
                guard !life.tombstones.contains(where: { $0.numbers.overlaps(stone.numbers) }) else { return }
                life.tombstones.append(stone)
                life.tombstones.sort { $0.numbers.lowerBound < $1.numbers.lowerBound }
            }
        case .finish(let epoch): if lives.count > 1 { lives.removeAll { $0.epoch == epoch } }
        case .fork(let epoch): fork(epoch, to: Epoch(random: &generator))
        case .want(let epoch, let want): return [.answer(answer(want, epoch))]
        case .replay(let epoch, let numbers, let size):
            let (looked, packets) = replay(epoch, numbers, size)
            return [.replayed(epoch: epoch, numbers: looked, packets: packets)]
        case .offer, .piece: return []
        }
        return [.store(state)]
    }

    /// The numbers of packets set aside since the last time, in the order of their refusals.
    public mutating func takeSetAside() -> [UInt64] {
        defer { setAside = [] }
        return setAside
    }

    private mutating func change(_ epoch: Epoch, _ body: (inout Life) -> Void) {
        guard let index = lives.firstIndex(where: { $0.epoch == epoch }) else { return }
        body(&lives[index])
    }

    private func answer(_ want: LinkMessage.Want, _ epoch: Epoch) -> LinkMessage.Answer {
        var answer = LinkMessage.Answer(
            session: want.session, request: want.request, outcome: .unknown, packets: 0)
        guard case .numbers(let ranges) = want.subject else { return answer }  // it knows packets, not frames
        answer.packets = kept.count { packet in
            packet.epoch == epoch && ranges.contains { $0.contains(packet.packet.number) }
        }
        answer.outcome = answer.packets > 0 ? .accepted : .gone
        return answer
    }

    private func replay(_ epoch: Epoch, _ numbers: Range<UInt64>, _ size: Int) -> (Range<UInt64>, [StoredPacket]) {
        let found = kept.filter { $0.epoch == epoch && numbers.contains($0.packet.number) }.map(\.packet)
        var packets: [StoredPacket] = []
        var sum = 0
        for packet in found.sorted(by: { $0.number < $1.number }) where packets.last?.number != packet.number {
            guard packets.isEmpty || sum + packet.packet.count <= size else {
                return (numbers.lowerBound..<packet.number, packets)
            }
            sum += packet.packet.count
            packets.append(packet)
        }
        return (numbers, packets)
    }

    /// What is not settled moves: into a new epoch, or into the open one where the epoch is closed already.
    private mutating func fork(_ epoch: Epoch, to new: Epoch) {
        guard let index = lives.firstIndex(where: { $0.epoch == epoch }) else { return }
        let old = lives.remove(at: index)
        if index == lives.count { lives.append(Life(epoch: new)) }
        for entry in old.entries[old.head...] { if let entry { _ = lives[lives.count - 1].append(entry) } }
    }
}

extension MemoryStore.Life {
    func entry(_ number: UInt64) -> Entry? { number >= lowest && number < next ? entries[index(number)] : nil }

    mutating func append(_ entry: Entry) -> UInt64 {
        let number = next
        entries.append(entry)
        heldCount += 1
        heldByPriority[entry.priority] += entry.packet.count
        return number
    }

    func load(_ priority: Int, _ numbers: Range<UInt64>, _ size: Int) -> (Range<UInt64>, [StoredPacket]) {
        let end = min(numbers.upperBound, next)
        var number = max(numbers.lowerBound, lowest)
        var packets: [StoredPacket] = []
        var sum = 0
        while number < end {
            if let entry = entries[index(number)], entry.priority == priority {
                guard packets.isEmpty || sum + entry.packet.count <= size else { break }
                sum += entry.packet.count
                packets.append(StoredPacket(number: number, priority: priority, packet: entry.packet))
            }
            number += 1
        }
        return (numbers.lowerBound..<max(number, numbers.lowerBound), packets)
    }

    /// Lets go of what is covered, and answers those packets.
    mutating func settle(_ acknowledgement: Acknowledgement) -> [StoredPacket] {
        var settled: [StoredPacket] = []
        for range in [0..<acknowledgement.cumulative + 1] + acknowledgement.ranges
        where range.upperBound > lowest && range.lowerBound < next {
            for number in range.clamped(to: lowest..<next) {
                if let packet = release(number) { settled.append(packet) }
            }
        }
        tombstones.removeAll { acknowledgement.contains($0.numbers) }
        advance()
        return settled
    }

    @discardableResult
    mutating func release(_ number: UInt64) -> StoredPacket? {
        guard let entry = entry(number) else { return nil }
        heldCount -= 1
        heldByPriority[entry.priority] -= entry.packet.count
        entries[index(number)] = nil
        return StoredPacket(number: number, priority: entry.priority, packet: entry.packet)
    }

    @discardableResult
    mutating func bury(_ number: UInt64, _ reason: TombstoneReason) -> StoredPacket? {
        guard let entry = entry(number) else { return nil }
        let packet = release(number)
        tombstones.append(
            Tombstone(
                numbers: number..<number + 1, reason: reason, frames: 1, size: entry.packet.count, first: entry.stored,
                last: entry.stored))
        tombstones.sort { $0.numbers.lowerBound < $1.numbers.lowerBound }
        return packet
    }

    mutating func advance() {
        let stop = tombstones.first?.numbers.lowerBound ?? .max
        while head < entries.count, entries[head] == nil, lowest < stop {
            head += 1
            lowest += 1
        }
        // the settled ones in front go in one move once they are half of the array: constant cost on average
        if head * 2 > entries.count {
            entries.removeSubrange(..<head)
            head = 0
        }
    }
}
