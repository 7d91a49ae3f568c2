import Foundation
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("Rings", .timeLimit(.minutes(10)))
struct SpoolRingTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func rings() -> SpoolConfiguration {
        var configuration = smallConfiguration()
        configuration.sentRing = 100_000
        configuration.finerRing = 100_000
        configuration.rawRing = 100_000
        configuration.ringAge = 100
        return configuration
    }

    @Test("sent packets can be sent again under their numbers, bounded by octets, the oldest gone first")
    func replays() throws {
        var spool = try openSpool(folder, rings())
        let epoch = spool.epoch
        let frames = (0..<30).map { frame(UInt64($0), sizes: [[8_000]]) }
        for frame in frames { _ = try spool.append(frame) }
        try spool.commit()
        _ = try spool.settle(epoch, cumulative: 28)
        try spool.commit()
        let all = try spool.replay(epoch, numbers: 1..<100, size: 1 << 20)
        #expect(all.numbers == 1..<100)
        #expect(all.packets.map(\.number) == Array(17...30))
        #expect(all.packets.map(\.packet) == frames[16...].flatMap { $0.layers.flatMap { $0 } })
        #expect(spool.counters.sentRing == 96_000)
        let some = try spool.replay(epoch, numbers: 1..<100, size: 20_000)
        #expect(some.packets.map(\.number) == [17, 18] && some.numbers == 1..<19)
        #expect(try spool.state(epoch).heldCount == 2)
    }

    @Test("finer layers are sent under new numbers, in order of layers, once")
    func refines() throws {
        var spool = try openSpool(folder, rings())
        let epoch = spool.epoch
        let given = frame(0, sizes: [[100], [200]], finer: [[300, 301], [400], [500]])
        _ = try spool.append(given)
        try spool.commit()
        _ = try spool.settle(epoch, cumulative: 2)
        try spool.commit()
        #expect(
            try spool.refine(epoch, frame: 0, layers: 4, priority: 1) == RefinedPackets(numbers: 3..<6, layers: 2..<4))
        #expect(try spool.refine(epoch, frame: 0, layers: 4, priority: 1) == nil)
        #expect(try spool.refine(epoch, frame: 7, layers: 4, priority: 1) == nil)
        try spool.commit()
        #expect(try spool.all(epoch, priority: 1).map(\.packet) == given.finer[0] + given.finer[1])
        #expect(spool.ledger.delivered == 1 && spool.ledger.waiting == 0 && spool.ledger.spooled == 1)
        _ = try spool.settle(epoch, cumulative: 6)
        try spool.commit()
        #expect(try spool.replay(epoch, numbers: 3..<6, size: 1 << 20).packets.count == 3)
        #expect(
            try spool.refine(epoch, frame: 0, layers: 9, priority: 3) == RefinedPackets(numbers: 6..<7, layers: 4..<5))
    }

    @Test("raw frames come back, and rings forget by octets and by age")
    func forgets() throws {
        var spool = try openSpool(folder, rings())
        let epoch = spool.epoch
        for number in 0..<10 {
            _ = try spool.append(frame(UInt64(number), sizes: [[1_000]], finer: [[6_000]], raw: 30_000))
        }
        try spool.commit()
        #expect(try spool.raw(epoch, frame: 9)?.octets == octets(30_000, seed: 9))
        #expect(try spool.raw(epoch, frame: 6) == nil)
        #expect(spool.counters.rawRing == 90_000 && spool.counters.finerRing == 60_000)
        _ = try spool.settle(epoch, cumulative: 10)
        try spool.commit()
        for second in 0..<101 {
            try spool.maintain(now: Timestamp(milliseconds: start.milliseconds + Int64(second) * 1_000))
        }
        #expect(spool.counters.rawRing == 90_000)
        for second in 101..<105 {
            try spool.maintain(now: Timestamp(milliseconds: start.milliseconds + Int64(second) * 1_000))
        }
        let counters = spool.counters
        #expect(counters.rawRing == 0 && counters.finerRing == 0 && counters.sentRing == 0)
        #expect(try spool.raw(epoch, frame: 9) == nil)
        #expect(spool.ledger.delivered == 10)
    }

    @Test("layers made anew get new numbers, and the raw frame knows how many of its layers were sent")
    func extends() throws {
        var spool = try openSpool(folder, rings())
        let epoch = spool.epoch
        _ = try spool.append(frame(0, sizes: [[100], [90]], finer: [[80], [70]], raw: 1_000))
        _ = try spool.append(frame(1, sizes: [[100]], raw: 1_000))
        try spool.commit()
        #expect(try spool.raw(epoch, frame: 0)?.layers == 2)
        #expect(
            try spool.refine(epoch, frame: 0, layers: 3, priority: 2) == RefinedPackets(numbers: 4..<5, layers: 2..<3))
        #expect(try spool.raw(epoch, frame: 0)?.layers == 3)
        let packets = [[octets(50, seed: 1), octets(40, seed: 2)], [octets(30, seed: 3)]]
        #expect(
            try spool.extend(epoch, frame: 0, from: 3, packets: packets, priority: 1)
                == RefinedPackets(numbers: 5..<8, layers: 3..<5))
        try spool.commit()
        #expect(try spool.raw(epoch, frame: 0)?.layers == 5)
        #expect(try spool.all(epoch, priority: 1).map(\.packet) == packets.flatMap { $0 })
        #expect(spool.ledger.spooled == 2 && spool.ledger.waiting == 2)
        // what does not fit the quota is not begun
        let large = [[octets(8_000_000, seed: 4)]]
        #expect(try spool.extend(epoch, frame: 1, from: 1, packets: large, priority: 3) == nil)
        #expect(try spool.raw(epoch, frame: 1)?.layers == 1)
    }

    @Test("of a frame that was given up no layers are made, of a thinned one all but the coarsest")
    func knowsWhatWasDropped() throws {
        var spool = try openSpool(folder, rings())
        let epoch = spool.epoch
        for number in 0..<2 {
            _ = try spool.append(frame(UInt64(number), priority: 3, sizes: [[100], [90]], raw: 1_000))
        }
        try spool.commit()
        _ = try spool.setAside(epoch, number: 3, reason: "test")
        _ = try spool.settle(epoch, cumulative: 4)
        try spool.commit()
        #expect(try spool.raw(epoch, frame: 0)?.layers == 2)
        #expect(try spool.raw(epoch, frame: 1) == nil)
    }

    @Test("rings take nothing from the quota")
    func leavesQuotaAlone() throws {
        var configuration = rings()
        configuration.sentRing = 4 << 20
        configuration.quota = 1 << 20
        configuration.reserved = 0
        var spool = try openSpool(folder, configuration)
        for number in 0..<400 {
            _ = try spool.append(frame(UInt64(number), sizes: [[8_000]]))
            try spool.commit()
            if number % 100 == 99 {
                _ = try spool.settle(spool.epoch, cumulative: UInt64(number + 1))
                try spool.commit()
            }
        }
        #expect(spool.ledger.delivered == 400 && spool.ledger.droppedTotal == 0)
        #expect(spool.counters.sentRing == 3_200_000)
    }

    @Test("the ballast is written in full, and built again after it was given back")
    func keepsBallast() throws {
        var configuration = rings()
        configuration.ballast = 3 << 20
        var spool = try openSpool(folder, configuration)
        try spool.maintain(now: start)
        let path = folder.file("spool/ballast")
        let octets = try Data(contentsOf: URL(filePath: path))
        #expect(octets.count == 3 << 20)
        #expect(Set(octets.prefix(4_096)).count > 100)
        try FileManager.default.removeItem(atPath: path)
        try spool.maintain(now: start)
        #expect(try Data(contentsOf: URL(filePath: path)).count == 3 << 20)
    }
}
