import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

@Suite("Lines")
struct LineTests {
    private let hour: Int64 = 3_600_000

    @Test(
        "9.6 kbit/s with 2 s of delay and ten cuts an hour: 85 % of the line carries packets, and no session ends by itself"
    )
    func thinLine() throws {
        var simulator = try LineSimulator(.init())
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<7_000 { simulator.give(size: Int.random(in: 200...1_400, using: &generator)) }
        simulator.run(until: 60_000)
        let before = (simulator.archivedSize, simulator.now)
        for _ in 0..<10 {
            simulator.run(until: simulator.now + Int64.random(in: 300_000...350_000, using: &generator))
            simulator.cut()
        }
        simulator.run(until: before.1 + hour)
        let share = Double(simulator.archivedSize - before.0) * 1_000 / Double((simulator.now - before.1) * 1_200)
        print("thin line: \(Int(share * 1_000)) per mille of the line, \(simulator.machine.counters)")
        #expect(share >= 0.85)
        #expect(simulator.opened.count == 11)
        #expect(simulator.machine.counters.sessions == 11)
        #expect(simulator.greatestReadAhead <= 300 << 10)
    }

    @Test("an idle thin line costs at most 25 octets a second, TCP and IP included, and stays connected")
    func idle() throws {
        var simulator = try LineSimulator(.init())
        simulator.give(size: 400)
        simulator.run(until: 120_000)
        let before = simulator.carried
        simulator.run(until: 120_000 + hour)
        let after = simulator.carried
        let messages = after.messages - before.messages
        // each in a segment of its own with 52 octets of headers, and a segment of headers alone for each
        let octets = after.up - before.up + after.down - before.down + messages * 2 * 52
        print("idle: \(octets * 1_000 / Int(hour)) octets a second, \(messages) messages")
        #expect(octets * 1_000 / Int(hour) <= 25)
        #expect(simulator.opened.count == 1)
    }

    @Test("after a day without a line the backlog drains, and what is new does not wait for it")
    func outage() throws {
        var simulator = try LineSimulator(.init())
        var generator = SeededGenerator(seed: 4)
        simulator.isDown = true
        while simulator.now < 24 * hour {
            simulator.give(size: Int.random(in: 1_000...5_000, using: &generator))
            simulator.run(until: simulator.now + 10_000)
        }
        let backlog = simulator.stored.count
        #expect(simulator.archived.isEmpty)
        simulator.isDown = false
        var delays: [Int64] = []
        let back = simulator.now + 120_000
        while simulator.store.state.heldCount > 20, simulator.now < 48 * hour {
            simulator.give(size: Int.random(in: 1_000...5_000, using: &generator))
            simulator.run(until: simulator.now + 10_000)
        }
        simulator.run(until: simulator.now + 120_000)
        for (number, time) in simulator.stored where time > back {
            delays.append((simulator.archived[number] ?? .max) - time)
        }
        delays.sort()
        let hours = Double(simulator.now - 24 * hour) / Double(hour)
        print("outage: backlog \(backlog) packets, \(hours) h, live p99 \(delays[delays.count * 99 / 100]) ms")
        #expect(simulator.archived.count == simulator.stored.count)
        #expect(delays[delays.count * 99 / 100] < 60_000)
        #expect(simulator.machine.counters.sessions == 1)
        #expect(simulator.greatestReadAhead <= 300 << 10)
    }

    @Test(
        "a gateway whose disk takes 0.8 s for a commit does not slow a line of 1 Mbit/s",
        arguments: [20, 800] as [Int64])
    func slowDisk(_ commit: Int64) throws {
        var simulator = try LineSimulator(.init(rate: 125_000, delayMilliseconds: 5, commitMilliseconds: commit))
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20_000 { simulator.give(size: Int.random(in: 300...1_400, using: &generator)) }
        simulator.run(until: 20_000)
        let before = simulator.archivedSize
        simulator.run(until: 80_000)
        let share = Double(simulator.archivedSize - before) / 60 / 125_000
        print("commits of \(commit) ms: \(Int(share * 1_000)) per mille of the line")
        #expect(share >= 0.85)
        #expect(simulator.machine.counters.sessions == 1)
    }
}
