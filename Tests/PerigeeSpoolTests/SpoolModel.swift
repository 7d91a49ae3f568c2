import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

/// What a spool must hold, kept in plain memory.
struct SpoolModel {
    struct Held: Equatable {
        var number: UInt64
        var priority: Int
        var packet: [UInt8]
        var frame: UInt64?
        var isFiner = false
    }

    /// Neighbouring numbers with one reason; as in the spool, what is settled behind an unsettled one stays with it.
    struct Buried {
        var numbers: Range<UInt64>
        var isRejection: Bool
    }

    struct EpochModel {
        var epoch: Epoch
        var next: UInt64 = 1
        var isClosed = false
        var held: [Held] = []
        var tombstones: [Buried] = []
        /// Settled numbers of each frame that still waits, with its class.
        var settled: [UInt64: [Held]] = [:]
        /// Frames that lost a packet to the quarantine, or to a person.
        var rejected: Set<UInt64> = []
        var dropped: Set<UInt64> = []
    }

    var epochs: [EpochModel] = []
    var nextFrame: UInt64 = 0
    var declarations: [SpoolDeclaration] = []
    var spooled = 0
    var delivered = 0
    var quarantined = 0
    var discarded = 0

    mutating func append(_ frame: SpoolFrame) {
        var last = epochs.removeLast()
        if let declaration = frame.declaration {
            declarations.removeAll { $0.number == declaration.number }
            declarations.append(declaration)
            last.held.append(Held(number: last.next, priority: 0, packet: declaration.packet))
            last.next += 1
        }
        for (layer, packets) in frame.layers.enumerated() {
            for packet in packets {
                last.held.append(
                    Held(
                        number: last.next, priority: frame.priority, packet: packet, frame: frame.number,
                        isFiner: layer > 0))
                last.next += 1
            }
        }
        nextFrame = frame.number + 1
        spooled += 1
        epochs.append(last)
    }

    mutating func settle(_ index: Int, below next: UInt64, _ covers: (UInt64) -> Bool) {
        let gone = epochs[index].held.filter { $0.number < next && covers($0.number) }
        for packet in gone {
            if let frame = packet.frame { epochs[index].settled[frame, default: []].append(packet) }
        }
        epochs[index].held.removeAll { $0.number < next && covers($0.number) }
        epochs[index].tombstones = epochs[index].tombstones.compactMap { tombstone in
            tombstone.numbers.first { !covers($0) }.map { first in
                Buried(numbers: first..<tombstone.numbers.upperBound, isRejection: tombstone.isRejection)
            }
        }
        finish(index, Set(gone.compactMap(\.frame)))
    }

    mutating func reject(_ index: Int, _ number: UInt64) {
        guard let place = epochs[index].held.firstIndex(where: { $0.number == number }) else { return }
        let packet = epochs[index].held.remove(at: place)
        bury(index, number, isRejection: true)
        guard let frame = packet.frame else { return }
        epochs[index].rejected.insert(frame)
        finish(index, [frame])
    }

    /// Whatever of it waits; where only finer layers do, the frame was delivered.
    mutating func discard(_ index: Int, frame: UInt64) {
        let gone = epochs[index].held.filter { $0.frame == frame }
        epochs[index].held.removeAll { $0.frame == frame }
        for packet in gone.sorted(by: { $0.number < $1.number }) { bury(index, packet.number, isRejection: false) }
        if gone.contains(where: { !$0.isFiner }) { epochs[index].dropped.insert(frame) }
        finish(index, [frame])
    }

    private mutating func bury(_ index: Int, _ number: UInt64, isRejection: Bool) {
        var new = Buried(numbers: number..<number + 1, isRejection: isRejection)
        epochs[index].tombstones.removeAll { other in
            guard other.isRejection == isRejection, other.numbers.lowerBound <= new.numbers.upperBound,
                other.numbers.upperBound >= new.numbers.lowerBound
            else { return false }
            let first = min(new.numbers.lowerBound, other.numbers.lowerBound)
            new.numbers = first..<max(new.numbers.upperBound, other.numbers.upperBound)
            return true
        }
        epochs[index].tombstones.append(new)
    }

    private mutating func finish(_ index: Int, _ frames: Set<UInt64>) {
        for frame in frames where !epochs[index].held.contains(where: { $0.frame == frame }) {
            epochs[index].settled[frame] = nil
            if epochs[index].rejected.contains(frame) {
                quarantined += 1
            } else if epochs[index].dropped.contains(frame) {
                discarded += 1
            } else {
                delivered += 1
            }
        }
    }

    /// The last epoch is begun anew; `keepsSent` where the spool has a ring of sent packets.
    mutating func fork(_ fresh: Epoch, keepsSent: Bool) {
        let old = epochs.removeLast()
        var new = EpochModel(epoch: fresh)
        for declaration in declarations.sorted(by: { $0.number < $1.number }) {
            new.held.append(Held(number: new.next, priority: 0, packet: declaration.packet))
            new.next += 1
        }
        new.rejected = old.rejected
        new.dropped = old.dropped
        var done: Set<UInt64> = []
        for packet in old.held.sorted(by: { $0.number < $1.number }) {
            guard let frame = packet.frame, done.insert(frame).inserted else { continue }
            var all = old.held.filter { $0.frame == frame }
            if keepsSent { all += old.settled[frame] ?? [] }
            for var moved in all.sorted(by: { $0.number < $1.number }) {
                moved.number = new.next
                new.held.append(moved)
                new.next += 1
            }
        }
        epochs.append(new)
    }

    mutating func close(_ fresh: Epoch) {
        epochs[epochs.count - 1].isClosed = true
        declarations = []
        nextFrame = 0
        epochs.append(EpochModel(epoch: fresh))
    }

    /// Compares everything that a spool shows.
    func check(_ spool: inout Spool, _ comment: Comment) throws {
        #expect(try spool.epochs() == epochs.map(\.epoch), comment)
        #expect(spool.nextFrame == nextFrame, comment)
        #expect(try spool.declarations() == declarations.sorted { $0.number < $1.number }, comment)
        for model in epochs {
            let state = try spool.state(model.epoch)
            #expect(state.next == model.next, comment)
            #expect(state.heldCount == model.held.count, comment)
            #expect(state.heldSize == model.held.reduce(0) { $0 + $1.packet.count }, comment)
            let lowest = (model.held.map(\.number) + model.tombstones.map(\.numbers.lowerBound)).min() ?? model.next
            #expect(state.lowest == lowest, comment)
            #expect(state.isClosed == model.isClosed, comment)
            let buried = state.tombstones.flatMap { Array($0.numbers) }
            if state.tombstones.count < SpoolState.tombstoneLimit {
                #expect(buried == model.tombstones.flatMap { Array($0.numbers) }.sorted(), comment)
            }
            for priority in 0..<4 {
                let expected = model.held.filter { $0.priority == priority }.sorted { $0.number < $1.number }
                let found = try spool.all(model.epoch, priority: priority)
                #expect(found.map(\.number) == expected.map(\.number), comment)
                #expect(found.map(\.packet) == expected.map(\.packet), comment)
            }
        }
        let ledger = spool.ledger
        let waiting = Set(
            epochs.enumerated().flatMap { index, epoch in
                epoch.held.compactMap { $0.frame.map { [UInt64(index), $0] } }
            })
        #expect(ledger.spooled == spooled, comment)
        #expect(ledger.delivered == delivered, comment)
        #expect(ledger.quarantined == quarantined, comment)
        #expect(ledger.droppedTotal == discarded, comment)
        #expect(ledger.waiting == waiting.count, comment)
        #expect(ledger.spooled == ledger.delivered + ledger.waiting + ledger.droppedTotal + ledger.quarantined, comment)
    }
}
