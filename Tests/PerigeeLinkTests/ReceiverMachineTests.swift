import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

/// One session of a gateway, driven by hand.
private struct Desk {
    var machine: ReceiverMachine
    let welcome: LinkMessage.Welcome
    var now: Int64 = 0

    init(
        lowest: UInt64 = 1, highest: UInt64? = nil, durable: [Range<UInt64>] = [], newest: [Range<UInt64>] = [],
        check: PacketDigest? = nil, _ configure: (inout ReceiverMachine.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = ReceiverMachine.Configuration()
        configure(&configuration)
        let hello = LinkMessage.Hello(
            station: try StationName("lab"), epoch: try Epoch(bytes: [UInt8](repeating: 1, count: 16)), boot: 1,
            greeting: 7, lowest: lowest, highest: max(highest ?? 0, lowest - 1))
        let opened = ReceiverMachine.open(
            hello, session: 9, durable: SequenceSet(cumulative: lowest - 1, ranges: durable), newest: newest,
            check: check, configuration: configuration, now: LinkTime(monotonic: 0, utc: Timestamp(milliseconds: 0)))
        machine = opened.machine
        guard case .welcome(let welcome) = try LinkMessage(parsing: opened.welcome.packed()[...]) else {
            throw FormatError.unknown(field: "answer", value: "\(opened.welcome)", expected: "WELCOME")
        }
        self.welcome = welcome
    }

    var time: LinkTime { LinkTime(monotonic: now, utc: Timestamp(milliseconds: now)) }

    static func packet(_ number: UInt64, size: Int = 20) -> [UInt8] {
        let part = Packet.Part(
            frameDelta: number, part: 0, layer: 0, isLastOfLayer: true,
            content: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)[...])
        return Packet(declaration: 1, body: .part(part)).packed()
    }

    mutating func data(_ numbers: [UInt64], lowest: UInt64 = 1, size: Int = 20) -> [ReceiverMachine.Action] {
        let items = numbers.map {
            LinkMessage.DataBatch.Item(number: $0, isResent: false, packet: Self.packet($0, size: size)[...])
        }
        return machine.receive(.data(.init(session: 9, lowest: lowest, items: items)), now: time)
    }

    mutating func commit(_ numbers: [UInt64]) -> [ReceiverMachine.Action] {
        machine.committed(numbers.map { ($0, .stored) }, now: time)
    }
}

private func acknowledgements(_ actions: [ReceiverMachine.Action]) throws -> [Acknowledgement] {
    try actions.compactMap { action in
        guard case .send(let message) = action,
            case .ack(let ack) = try LinkMessage(parsing: message.packed()[...])
        else { return nil }
        return ack.acknowledgement
    }
}

private func end(_ actions: [ReceiverMachine.Action]) -> ByeReason? {
    for case .end(let reason) in actions { return reason }
    return nil
}

/// One number every ten: `width` of them from 10, 20, … on.
private func scattered(_ count: UInt64, width: UInt64 = 1) -> [Range<UInt64>] {
    (1...count).map { start in start * 10..<start * 10 + width }
}

private func tombstone(_ numbers: Range<UInt64>) -> Tombstone {
    Tombstone(
        numbers: numbers, reason: .quota, frames: 1, size: 2, first: Timestamp(milliseconds: 0),
        last: Timestamp(milliseconds: 0))
}

@Suite("Receiver machine")
struct ReceiverMachineTests {
    @Test("WELCOME carries the check and names the lowest ranges; what came last follows at once")
    func welcomes() throws {
        let durable = scattered(60, width: 3)
        var desk = try Desk(
            durable: durable, newest: [20..<21, 500..<502, 601..<602],
            check: PacketDigest(number: 602, checksum: 0xDEAD_BEEF))
        #expect(desk.welcome.check == PacketDigest(number: 602, checksum: 0xDEAD_BEEF))
        #expect(desk.welcome.acknowledgement.ranges == Array(durable[..<32]))
        #expect(desk.machine.deadline == 0)
        let acks = try acknowledgements(desk.machine.tick(now: desk.time))
        #expect(acks.count == 1 && acks[0].contains(500) && acks[0].contains(602))
        #expect(desk.machine.tick(now: desk.time) == [])
    }

    @Test("nothing follows a WELCOME that names all")
    func welcomesShort() throws {
        var desk = try Desk(durable: scattered(32), newest: scattered(32))
        #expect(desk.welcome.acknowledgement.ranges == scattered(32))
        #expect(desk.machine.tick(now: desk.time) == [])
    }

    @Test("more that is new than one message names follows in as many as it takes")
    func welcomesMore() throws {
        let durable = scattered(100)
        var desk = try Desk(durable: durable, newest: durable)
        let rest = try acknowledgements(desk.machine.tick(now: desk.time))
        #expect(rest.count == 3)
        #expect(Set(rest.flatMap(\.ranges)).isSuperset(of: durable[32...]))
    }

    @Test("an ACK names what became durable since the last one, then the lowest ranges")
    func chooses() throws {
        var desk = try Desk(durable: scattered(50))
        _ = desk.data([901, 905, 15])
        let first = try #require(try acknowledgements(desk.commit([901, 905, 15])).first)
        #expect(first.cumulative == 0 && first.ranges.count == 32)
        #expect([901, 905, 15].allSatisfy { first.contains($0) })
        #expect(first.contains(10) && !first.contains(500))
        _ = desk.data([903])
        let second = try #require(try acknowledgements(desk.commit([903])).first)
        #expect(second.contains(903) && !second.contains(901))
    }

    @Test(
        "every durable number is named, whatever the order of commits, and the cumulative number never falls",
        arguments: 0..<50)
    func namesAll(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var desk = try Desk { $0.rangeLimit = .random(in: 1...60, using: &generator) }
        var numbers = (1...200).map { UInt64($0) }.filter { _ in .random(in: 0..<4, using: &generator) > 0 }
        let all = numbers
        numbers.shuffle(using: &generator)
        var heard = SequenceSet()
        while !numbers.isEmpty {
            let group = Array(numbers.prefix(.random(in: 1...64, using: &generator)))
            numbers.removeFirst(group.count)
            for number in group { _ = desk.data([number]) }
            for ack in try acknowledgements(desk.commit(group)) {
                #expect(ack.cumulative >= heard.cumulative || heard.range(containing: ack.cumulative) == nil)
                if ack.cumulative > 0 { heard.insert(1..<ack.cumulative + 1) }
                for range in ack.ranges { heard.insert(range) }
            }
            #expect(group.allSatisfy { heard.contains($0) }, "seed \(seed)")
        }
        #expect((1...200 as ClosedRange<UInt64>).filter { heard.contains($0) } == all, "seed \(seed)")
        #expect(desk.machine.counters.gaps == 0)
    }

    @Test("tombstones are given to the archive once, and acknowledged after its commit")
    func buries() throws {
        var desk = try Desk()
        _ = desk.data([1, 2])
        _ = desk.commit([1, 2])
        let batch = LinkMessage.TombstoneBatch(session: 9, lowest: 3, items: [tombstone(3..<6), tombstone(8..<9)])
        let actions = desk.machine.receive(.tombstone(batch), now: desk.time)
        #expect(actions == [.bury(tombstone(3..<6)), .bury(tombstone(8..<9))])
        #expect(desk.machine.receive(.tombstone(batch), now: desk.time) == [])
        #expect(desk.machine.cumulative == 2)
        let acks = try acknowledgements(desk.machine.buried(batch.items, now: desk.time))
        #expect(acks == [Acknowledgement(cumulative: 5, ranges: [8..<9])])
        _ = desk.data([10], lowest: 10)
        #expect(desk.machine.counters.gaps == 3)  // 6, 7 and 9
        #expect(desk.machine.counters.tombstones == 2 && desk.machine.counters.buriedNumbers == 4)
    }

    @Test("a station that floods with tombstones is shown out")
    func tombstoneFlood() throws {
        var desk = try Desk { $0.tombstoneLimit = 100 }
        func batch(_ start: UInt64) -> LinkMessage {
            .tombstone(
                .init(session: 9, lowest: 1, items: (0..<64).map { tombstone(start + $0 * 2..<start + $0 * 2 + 1) }))
        }
        #expect(end(desk.machine.receive(batch(1), now: desk.time)) == nil)
        #expect(end(desk.machine.receive(batch(1_000), now: desk.time)) == .violation)
    }

    @Test("a replay below the cumulative number is stored, and lowest never goes back")
    func replays() throws {
        var desk = try Desk(lowest: 50)
        let actions = desk.data([12, 13], lowest: 12)
        #expect(actions.count == 2)
        #expect(desk.machine.cumulative == 49)
        #expect(try acknowledgements(desk.commit([12, 13])) == [Acknowledgement(cumulative: 49)])
        #expect(desk.machine.counters.stored == 2 && desk.machine.counters.gaps == 0)
    }

    @Test("numbers that the station gave up are gaps, but for those that were rejected")
    func gaps() throws {
        var desk = try Desk()
        var damaged = Desk.packet(2)
        damaged[3] ^= 1
        let item = LinkMessage.DataBatch.Item(number: 2, isResent: false, packet: damaged[...])
        _ = desk.machine.receive(.data(.init(session: 9, lowest: 1, items: [item])), now: desk.time)
        _ = desk.data([6], lowest: 5)
        #expect(desk.machine.counters.gaps == 3)
    }

    @Test("what a full memory of ranges forgot is neither refused nor a gap")
    func rangeLimit() throws {
        var desk = try Desk { $0.rangeLimit = 10 }
        for number in stride(from: 2 as UInt64, through: 100, by: 2) {
            #expect(end(desk.data([number])) == nil)
            #expect(try acknowledgements(desk.commit([number])).contains { $0.contains(number) })
        }
        _ = desk.data([102], lowest: 101)
        #expect(desk.machine.counters.gaps == 11)  // odd ones up to where it remembers
        #expect(desk.machine.counters.stored == 50)
    }

    @Test("acknowledgements wait until the intake is paid for, and credit is five seconds of it")
    func intake() throws {
        var desk = try Desk { $0.intakeLimit = 4_000 }
        #expect(desk.welcome.credit.size == 20_000)
        let numbers: [UInt64] = [1, 2, 3]
        _ = desk.data(numbers, size: 2_650)  // 8 KB: two seconds
        #expect(try acknowledgements(desk.commit(numbers)).isEmpty)
        #expect((900...1_100).contains(desk.machine.deadline))
        desk.now = 500
        let ping = LinkMessage.Ping(
            session: 9, nonce: 1, time: desk.time.utc, queuedPackets: 0, queuedSize: 0, oldestAgeMilliseconds: 0,
            lowest: 1, highest: 3)
        let answers = desk.machine.receive(.ping(ping), now: desk.time)
        #expect(answers.count == 1)  // PONG, so that the station knows the gateway lives
        desk.now = desk.machine.deadline
        #expect(try acknowledgements(desk.machine.tick(now: desk.time)).map(\.cumulative) == [3])
    }

    @Test("another rate counts for a session that is open, and what was granted before may still come")
    func limitsOpenSession() throws {
        var desk = try Desk()
        desk.machine.limitIntake(to: 4_000)
        #expect(end(desk.data([1, 2, 3], size: 8_000)) == nil)
        desk.now = 10
        #expect(try acknowledgements(desk.commit([1, 2, 3])).isEmpty, "24 KB take six seconds")
        #expect((4_900...5_100).contains(desk.machine.deadline))
        desk.machine.limitIntake(to: nil)
        desk.now = desk.machine.deadline
        #expect(try acknowledgements(desk.machine.tick(now: desk.time)).map(\.cumulative) == [3])
        _ = desk.data([4], size: 8_000)
        #expect(try acknowledgements(desk.commit([4])).map(\.cumulative) == [4])
    }

    @Test("credit counts octets and packets that wait; beyond it the session ends")
    func credit() throws {
        var desk = try Desk { $0.credit = Credit(packets: 3, size: 9_000) }
        #expect(end(desk.data([1, 2, 3])) == nil)
        #expect(end(desk.data([4])) == .violation)
        desk = try Desk { $0.credit = Credit(packets: 3, size: 9_000) }
        #expect(end(desk.data([1], size: 5_000)) == nil)
        #expect(end(desk.data([2], size: 5_000)) == .violation)
    }

    @Test("an answer to a WANT is handed on; one of another session ends this one")
    func answers() throws {
        var desk = try Desk()
        let answer = LinkMessage.Answer(session: 9, request: 4, outcome: .gone, packets: 0)
        #expect(desk.machine.receive(.answer(answer), now: desk.time) == [.answered(answer)])
        let other = LinkMessage.Answer(session: 8, request: 4, outcome: .gone, packets: 0)
        #expect(end(desk.machine.receive(.answer(other), now: desk.time)) == .violation)
    }
}
