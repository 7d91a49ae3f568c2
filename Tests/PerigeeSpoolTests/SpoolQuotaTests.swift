import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("Quota", .timeLimit(.minutes(10)))
struct SpoolQuotaTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func tight() -> SpoolConfiguration {
        var configuration = smallConfiguration()
        configuration.quota = 1 << 20
        configuration.reserved = 1 << 18
        return configuration
    }

    @Test("a smaller quota counts from the next frame on, a larger one too; what a spool cannot keep changes nothing")
    func otherLimits() throws {
        var configuration = tight()
        configuration.quota = 4 << 20
        var spool = try openSpool(folder, configuration)
        for number in 0..<100 as Range<UInt64> {
            _ = try spool.append(frame(number, priority: 2, sizes: [[8_000, 8_000]]))
        }
        try spool.commit()
        let (before, ledger) = (spool.charge, spool.ledger)
        #expect(before > 1 << 20 && ledger.dropped.isEmpty)
        try spool.configure(tight())
        #expect(try spool.append(frame(100, priority: 2, sizes: [[8_000]])) != nil)
        try spool.commit()
        let (smaller, dropped) = (spool.charge, spool.ledger.dropped[.quota] ?? 0)
        #expect(smaller <= 1 << 20 && dropped > 0)
        try spool.configure(configuration)
        for number in 101..<150 as Range<UInt64> {
            _ = try spool.append(frame(number, priority: 2, sizes: [[8_000, 8_000]]))
        }
        try spool.commit()
        let larger = spool.charge
        #expect(larger > 1 << 20)
        var bad = configuration
        bad.reserved = bad.quota
        do throws(SpoolError) {
            try spool.configure(bad)
            Issue.record("a reserve as large as the quota was taken")
        } catch { #expect("\(error)".contains("reserved")) }
        let kept = spool.configuration
        #expect(kept == configuration)
    }

    @Test("a frame that a person gives up goes as a whole, whatever its class, and its declaration stays")
    func discards() throws {
        var spool = try openSpool(folder, smallConfiguration())
        let epoch = spool.epoch
        let declaration = SpoolDeclaration(number: 0, packet: octets(60, seed: 1))
        // numbers 1 of the declaration, 2 to 4, 5 to 6, 7
        _ = try spool.append(frame(0, priority: 0, sizes: [[100], [100, 100]], label: "a", declaration: declaration))
        _ = try spool.append(
            frame(1, sizes: [[100], [100]], label: "b", stored: Timestamp(milliseconds: start.milliseconds - 1)))
        // the first layer of a tiny frame has no octets: what there is is its coarsest
        _ = try spool.append(frame(2, sizes: [[], [100]], label: "a"))
        try spool.commit()
        #expect(try spool.chosen(FrameChoice(), limit: 2).map(\.number) == [0, 1])
        #expect(try spool.chosen(FrameChoice(sensor: "a"), limit: 9).map(\.packets) == [3, 1])
        #expect(try spool.chosen(FrameChoice(storedBefore: start), limit: 9).map(\.number) == [1])
        #expect(try spool.chosen(FrameChoice(sensor: "a", numbers: 1...2), limit: 9).map(\.size) == [100])
        #expect(try spool.chosen(FrameChoice(sensor: "c"), limit: 9).isEmpty)
        // of frame 1 the coarsest packet has arrived
        _ = try spool.settle(epoch, cumulative: 0, ranges: [5..<6])
        for number in 0..<3 as Range<UInt64> { _ = try spool.discard(epoch, frame: number) }
        #expect(try spool.discard(epoch, frame: 2).packets == 0)
        try spool.commit()
        let state = try spool.state(epoch)
        #expect(state.heldCount == 1 && state.tombstones.map(\.numbers) == [2..<5, 6..<8])
        #expect(state.tombstones.allSatisfy { $0.reason == .discarded })
        let ledger = spool.ledger
        #expect(ledger.dropped == [.discarded: 2] && ledger.delivered == 1 && ledger.waiting == 0)
        #expect(try spool.declarations() == [declaration])
    }

    @Test("the lowest class goes first, inside it finer layers, then the oldest; every hole is explained")
    func dropsByClass() throws {
        var spool = try openSpool(folder, tight())
        let epoch = spool.epoch
        var number: UInt64 = 0
        func give(_ priority: Int, _ count: Int) throws {
            for _ in 0..<count {
                #expect(
                    try spool.append(frame(number, priority: priority, sizes: [[8_000], [8_000, 8_000, 8_000]])) != nil)
                number += 1
            }
            try spool.commit()
        }
        try give(3, 20)
        try give(2, 16)
        let middle = try spool.state(epoch)
        // 16 frames of class 2 take some 517 KB of 786 KB: class 3 keeps its coarse layers, and the finer ones of its newest frames.
        #expect(try spool.all(epoch, priority: 2).count == 64)
        let coarse = try spool.all(epoch, priority: 3).filter { $0.number % 4 == 1 }
        let finer = try spool.all(epoch, priority: 3).filter { $0.number % 4 != 1 }
        #expect(coarse.count == 20)
        #expect(!finer.isEmpty && finer.allSatisfy { $0.number > 60 })
        #expect(spool.charge <= 3 << 18)
        try give(1, 40)
        #expect(try spool.all(epoch, priority: 3).isEmpty)
        #expect(spool.charge <= 1 << 20)
        let state = try spool.state(epoch)
        #expect(state.lowest <= middle.lowest)
        #expect(spool.ledger.spooled == spool.ledger.waiting + spool.ledger.droppedTotal)
        #expect(spool.takeGivenUp().count == spool.ledger.droppedTotal)
        try expectEveryNumberExplained(&spool)
    }

    @Test("class 0 is never dropped, and a class displaces only itself and those below")
    func keepsControl() throws {
        var spool = try openSpool(folder, tight())
        for number in 0..<200 { _ = try spool.append(frame(UInt64(number), priority: 1, sizes: [[4_000]])) }
        try spool.commit()
        #expect(try spool.append(frame(200, priority: 2, sizes: [[4_000]])) == nil)
        for number in 200..<500 { _ = try spool.append(frame(UInt64(number), priority: 0, sizes: [[4_000]])) }
        try spool.commit()
        #expect(try spool.append(frame(500, priority: 0, sizes: [[4_000]])) == nil)
        #expect(try spool.append(frame(500, priority: 1, sizes: [[4_000]])) == nil)
        #expect(spool.ledger.dropped[.quota] == 200)
        #expect(try spool.all(spool.epoch, priority: 1).isEmpty)
        #expect(spool.charge <= 1 << 20)
    }

    @Test("a frame larger than the quota is refused, and nothing is dropped for it")
    func refusesGiants() throws {
        var spool = try openSpool(folder, tight())
        _ = try spool.append(frame(0, priority: 3))
        #expect(try spool.append(frame(1, priority: 1, sizes: [[Int](repeating: 8_000, count: 200)])) == nil)
        try spool.commit()
        #expect(spool.ledger.droppedTotal == 0 && spool.ledger.waiting == 1)
    }

    @Test("expiry follows the spool's own clock, which no step of the computer's clock moves")
    func expires() throws {
        var configuration = smallConfiguration()
        configuration.expiry = 60
        var spool = try openSpool(folder, configuration)
        for priority in 0..<4 {
            _ = try spool.append(frame(UInt64(priority), priority: priority, sizes: [[100], [100]]))
        }
        try spool.commit()
        try spool.maintain(now: start)
        try spool.maintain(now: Timestamp(milliseconds: start.milliseconds + 86_400_000))
        try spool.maintain(now: Timestamp(milliseconds: start.milliseconds - 86_400_000))
        #expect(spool.ledger.waiting == 4)
        for second in 0..<70 {
            try spool.maintain(now: Timestamp(milliseconds: start.milliseconds + Int64(second) * 1_000))
        }
        #expect(spool.ledger.waiting == 1)
        #expect(spool.ledger.dropped[.expired] == 3)
        #expect(try spool.state(spool.epoch).heldByPriority == [200, 0, 0, 0])
        #expect(spool.takeGivenUp().map(\.fate) == [.dropped(.expired), .dropped(.expired), .dropped(.expired)])
        try expectEveryNumberExplained(&spool)
    }

    @Test("a file at its page limit gives up rings, then packets, and goes on")
    func survivesFullFile() throws {
        var configuration = tight()
        configuration.quota = 4 << 20
        configuration.sentRing = 1 << 20
        configuration.pageLimitForTests = 600
        var spool = try openSpool(folder, configuration)
        var accepted = 0
        for number in 0..<1_500 {
            if try spool.append(frame(UInt64(number), priority: 3, sizes: [[3_000]])) != nil { accepted += 1 }
            if number % 10 == 9 { try spool.commit() }
            if number == 100 {
                _ = try spool.settle(spool.epoch, cumulative: 90)
                try spool.commit()
            }
        }
        #expect(accepted == 1_500)
        #expect(spool.counters.timesFull > 0)
        #expect(spool.ledger.spooled == 1_500)
        #expect(
            spool.ledger.spooled == spool.ledger.waiting + spool.ledger.droppedTotal + spool.ledger.delivered)
        #expect(spool.ledger.delivered == 90)
        _ = try spool.settle(spool.epoch, cumulative: 1_500)
        try spool.commit()
        try expectEveryNumberExplained(&spool, settled: 1..<1_501)
        _ = consume spool
        let again = try openSpool(folder, configuration)
        #expect(again.ledger.spooled == 1_500)
    }

    /// Each number is held, or explained by a tombstone, or settled.
    private func expectEveryNumberExplained(_ spool: inout Spool, settled: Range<UInt64> = 0..<0) throws {
        let epoch = spool.epoch
        var held: Set<UInt64> = []
        for priority in 0..<4 { held.formUnion(try spool.all(epoch, priority: priority).map(\.number)) }
        let state = try spool.state(epoch)
        #expect(state.tombstones.count < SpoolState.tombstoneLimit)
        let buried = Set(state.tombstones.flatMap { Array($0.numbers) })
        #expect(held.isDisjoint(with: buried))
        for number in 1..<state.next where !settled.contains(number) {
            #expect(held.contains(number) || buried.contains(number), "number \(number)")
        }
    }
}
