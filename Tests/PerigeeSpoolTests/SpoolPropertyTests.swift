import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

/// Random operations, commits, losses of what was not committed and reopenings, against the model.
@Suite("Spool against its model", .timeLimit(.minutes(10)))
struct SpoolPropertyTests {
    @Test("any order of operations gives what the model says", arguments: seeds(usual: 24))
    func followsModel(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: seed)
        var configuration = smallConfiguration()
        configuration.sentRing = seed.isMultiple(of: 2) ? 1 << 20 : 0
        var open = try openSpool(folder, configuration)
        var machine = 0
        var model = SpoolModel()
        model.epochs = [SpoolModel.EpochModel(epoch: open.epoch)]
        var committed = model
        for step in 0..<120 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<9:
                let frame = randomFrame(model.nextFrame, &random)
                #expect(try open.append(frame) != nil)
                model.append(frame)
            case 9..<13: try settle(&open, &model, committed, &random)
            case 13:
                if let (index, number) = pick(committed, model, &random) {
                    _ = try open.setAside(model.epochs[index].epoch, number: number, reason: "test")
                    model.reject(index, number)
                }
            case 14:
                if let (index, number) = pick(committed, model, &random),
                    let frame = model.epochs[index].held.first(where: { $0.number == number })?.frame
                {
                    _ = try open.discard(model.epochs[index].epoch, frame: frame)
                    model.discard(index, frame: frame)
                }
            case 15..<18:
                try open.commit()
                committed = model
                try model.check(&open, "seed \(seed), step \(step)")
                try open.maintain(now: Timestamp(milliseconds: start.milliseconds + Int64(step) * 5_000))
            case 18:
                if Bool.random(using: &random) {
                    let fresh = try open.fork(open.epoch)
                    model.fork(fresh, keepsSent: configuration.sentRing > 0)
                    committed = model
                } else if let closed = model.epochs.first, closed.isClosed {
                    let isDone = closed.held.isEmpty && closed.tombstones.isEmpty
                    try open.commit()
                    #expect(try open.finish(closed.epoch) == isDone)
                    if isDone { model.epochs.removeFirst() }
                    committed = model
                }
            default:
                _ = consume open
                model = committed
                if Int.random(in: 0..<3, using: &random) == 0 { machine += 1 }
                open = try openSpool(folder, configuration, machine: "machine \(machine)")
                if open.epoch != model.epochs.last?.epoch {
                    model.close(open.epoch)
                    committed = model
                }
                try model.check(&open, "seed \(seed), step \(step), reopened")
            }
        }
    }

    private func randomFrame(_ number: UInt64, _ random: inout SeededGenerator) -> SpoolFrame {
        let sizes = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            (0..<Int.random(in: 1...3, using: &random)).map { _ in Int.random(in: 1...5_000, using: &random) }
        }
        let isFirst = Int.random(in: 0..<6, using: &random) == 0
        return frame(
            number, priority: Int.random(in: 0...3, using: &random), sizes: sizes,
            declaration: isFirst
                ? SpoolDeclaration(number: Int.random(in: 0..<4, using: &random), packet: octets(60, seed: number))
                : nil)
    }

    private func settle(
        _ spool: inout Spool, _ model: inout SpoolModel, _ committed: SpoolModel, _ random: inout SeededGenerator
    ) throws {
        let index = Int.random(in: 0..<model.epochs.count, using: &random)
        let next = committed.epochs[index].next
        let cumulative = UInt64.random(in: 0..<next, using: &random) / 2
        var ranges: [Range<UInt64>] = []
        var start = cumulative + 2
        while start + 1 < next, ranges.count < 4 {
            let end = UInt64.random(in: start + 1...next, using: &random)
            ranges.append(start..<end)
            start = end + UInt64.random(in: 1...4, using: &random)
        }
        _ = try spool.settle(model.epochs[index].epoch, cumulative: cumulative, ranges: ranges)
        model.settle(index, below: next) { number in
            number <= cumulative || ranges.contains { $0.contains(number) }
        }
    }

    /// A packet that is held and was committed.
    private func pick(
        _ committed: SpoolModel, _ model: SpoolModel, _ random: inout SeededGenerator
    ) -> (Int, UInt64)? {
        guard let index = model.epochs.indices.randomElement(using: &random) else { return nil }
        let numbers = model.epochs[index].held.map(\.number).filter { $0 < committed.epochs[index].next }
        return numbers.randomElement(using: &random).map { (index, $0) }
    }
}
