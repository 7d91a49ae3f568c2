import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("Spool", .timeLimit(.minutes(10)))
struct SpoolTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("committed packets come back after opening anew, under the same epoch and numbers")
    func reopens() throws {
        let declaration = SpoolDeclaration(number: 3, packet: octets(50, seed: 1))
        var spool = try openSpool(folder)
        #expect(spool.recovery == [.created, .newEpoch(reason: "the spool is new")])
        let epoch = spool.epoch
        let given = frame(0, priority: 1, sizes: [[300], [8_192, 20]], declaration: declaration)
        #expect(try spool.append(given) == 1..<5)
        try spool.commit()
        _ = consume spool
        var again = try openSpool(folder)
        #expect(again.recovery == [])
        #expect(again.epoch == epoch)
        #expect(again.nextFrame == 1)
        #expect(try again.declarations() == [declaration])
        #expect(try again.all(epoch, priority: 0).map(\.packet) == [declaration.packet])
        let packets = try again.all(epoch, priority: 1)
        #expect(packets.map(\.number) == [2, 3, 4])
        #expect(packets.map(\.packet) == given.layers.flatMap { $0 })
        let state = try again.state(epoch)
        #expect(state.lowest == 1 && state.next == 5 && state.heldCount == 4)
        #expect(state.heldByPriority == [50, 8_512, 0, 0])
        #expect(state.oldest == start)
        #expect(!state.isClosed)
        #expect(try again.append(frame(1)) == 5..<6)
    }

    @Test("what was not committed is not shown, and gone after opening anew")
    func hidesUncommitted() throws {
        var spool = try openSpool(folder)
        let epoch = spool.epoch
        _ = try spool.append(frame(0))
        try spool.commit()
        #expect(try spool.append(frame(1)) == 2..<3)
        #expect(try spool.state(epoch).next == 2)
        #expect(try spool.all(epoch, priority: 2).map(\.number) == [1])
        #expect(try spool.load(epoch, priority: 2, numbers: 2..<9, size: 1_000).packets.isEmpty)
        _ = consume spool
        var again = try openSpool(folder)
        #expect(try again.state(epoch).next == 2)
        #expect(again.nextFrame == 1)
        #expect(again.ledger.spooled == 1)
    }

    @Test("settling is idempotent, takes any ranges, and names the frames that are through")
    func settles() throws {
        var spool = try openSpool(folder)
        let epoch = spool.epoch
        for number in 0..<4 { _ = try spool.append(frame(UInt64(number), sizes: [[100], [200]])) }
        try spool.commit()
        let first = try spool.settle(epoch, cumulative: 1, ranges: [4..<5, 7..<9])
        #expect(first.isComplete && first.packets == 4)
        #expect(first.frames.map(\.number) == [3])
        #expect(first.frames.map(\.fate) == [.delivered(thinned: false)])
        #expect(first.frames.map(\.packetSize) == [300])
        #expect(try spool.settle(epoch, cumulative: 1, ranges: [4..<5, 7..<9]).packets == 0)
        try spool.commit()
        #expect(try spool.state(epoch).lowest == 2)
        #expect(try spool.all(epoch, priority: 2).map(\.number) == [2, 3, 5, 6])
        #expect(try spool.settle(epoch, cumulative: 1_000).frames.map(\.number) == [0, 1, 2])
        try spool.commit()
        let state = try spool.state(epoch)
        #expect(state.lowest == 9 && state.next == 9 && state.heldCount == 0 && state.oldest == nil)
        #expect(spool.ledger.delivered == 4 && spool.ledger.waiting == 0)
        #expect(spool.ledger.isBalanced == false, "nothing was told of the intake")
    }

    @Test("a long acknowledgement is settled in steps of at most 500 packets")
    func settlesInSteps() throws {
        var spool = try openSpool(folder)
        for number in 0..<1_200 { _ = try spool.append(frame(UInt64(number), sizes: [[10]])) }
        try spool.commit()
        var steps: [Int] = []
        while true {
            let settlement = try spool.settle(spool.epoch, cumulative: 1_200)
            try spool.commit()
            steps.append(settlement.packets)
            if settlement.isComplete { break }
        }
        #expect(steps == [500, 500, 200])
        #expect(try spool.state(spool.epoch).heldCount == 0)
    }

    @Test("an acknowledgement of numbers that are not committed yet leaves them alone")
    func settlesNothingUnseen() throws {
        var spool = try openSpool(folder)
        _ = try spool.append(frame(0))
        #expect(try spool.settle(spool.epoch, cumulative: 9).packets == 0)
        try spool.commit()
        #expect(try spool.state(spool.epoch).heldCount == 1)
    }

    @Test("a load stops at its size, but gives at least one packet, and says how far it looked")
    func loadsBySize() throws {
        var spool = try openSpool(folder)
        for number in 0..<4 {
            _ = try spool.append(frame(UInt64(number), priority: number % 2 + 1, sizes: [[1_000]]))
        }
        try spool.commit()
        let epoch = spool.epoch
        let one = try spool.load(epoch, priority: 1, numbers: 1..<5, size: 10)
        #expect(one.packets.map(\.number) == [1] && one.numbers == 1..<3)
        let both = try spool.load(epoch, priority: 1, numbers: 1..<5, size: 2_000)
        #expect(both.packets.map(\.number) == [1, 3] && both.numbers == 1..<5)
        #expect(both.packets.allSatisfy { $0.priority == 1 })
        #expect(try spool.load(epoch, priority: 3, numbers: 1..<5, size: 10).packets.isEmpty)
    }

    @Test("totals of the intake and marks of the sources are committed with the packets")
    func commitsTotals() throws {
        var spool = try openSpool(folder)
        _ = try spool.append(frame(0))
        var intake = IntakeTotals()
        intake.received = 4
        intake.rejected = ["checksum": 1]
        intake.lostAtCrash = 1
        intake.inWork = 1
        let marks = [
            SourceMark(sensor: "cam", run: "a", newest: 7, window: [0b1011]),
            SourceMark(sensor: "cam", run: "b", newest: 0, window: [255, 1]),
        ]
        try spool.commit(intake: intake, sources: marks)
        #expect(spool.ledger.isBalanced)
        _ = consume spool
        var again = try openSpool(folder)
        #expect(again.ledger.intake == intake)
        #expect(again.ledger.spooled == 1 && again.ledger.waiting == 1)
        #expect(again.ledger.isBalanced)
        #expect(try again.sources() == marks)
    }

    @Test("a refused packet goes into the quarantine, its number becomes a tombstone, its frame is quarantined")
    func setsAside() throws {
        var spool = try openSpool(folder)
        let epoch = spool.epoch
        _ = try spool.append(frame(0, sizes: [[100], [200]]))
        try spool.commit()
        #expect(try spool.setAside(epoch, number: 2, reason: "malformed").frames.isEmpty)
        #expect(try spool.setAside(epoch, number: 2, reason: "malformed").packets == 0)
        try spool.commit()
        let state = try spool.state(epoch)
        #expect(state.tombstones.map(\.numbers) == [2..<3])
        #expect(state.tombstones.map(\.reason) == [.rejected])
        #expect(try spool.settle(epoch, cumulative: 1).frames.map(\.fate) == [.quarantined])
        try spool.commit()
        #expect(try spool.state(epoch).lowest == 2)
        _ = try spool.settle(epoch, cumulative: 2)
        try spool.commit()
        #expect(try spool.state(epoch).tombstones.isEmpty)
        #expect(spool.ledger.quarantined == 1)
    }

    @Test("a second opener is told that the spool is held")
    func isExclusive() throws {
        let spool = try openSpool(folder)
        #expect { _ = try openSpool(folder) } throws: { error in
            if case SpoolError.held = error { true } else { false }
        }
        _ = consume spool
        _ = try openSpool(folder)
    }

    @Test("an unknown epoch is refused by name")
    func unknownEpoch() throws {
        var spool = try openSpool(folder)
        let other = Epoch.random()
        #expect { _ = try spool.settle(other, cumulative: 1) } throws: { "\($0)".contains(other.text) }
        #expect { _ = try spool.state(other) } throws: { "\($0)".contains(other.text) }
    }

    @Test("limits that cannot be kept are refused by name", arguments: ["quota", "reserved", "ballast", "expiry"])
    func checksConfiguration(field: String) throws {
        var configuration = smallConfiguration()
        switch field {
        case "quota": configuration.quota = 10
        case "reserved": configuration.reserved = configuration.quota
        case "ballast": configuration.ballast = -1
        default: configuration.expiry = 0
        }
        #expect { _ = try openSpool(folder, configuration) } throws: { "\($0)".contains("spool.\(field) is") }
    }
}
