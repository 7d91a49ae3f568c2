import Foundation
import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

/// Seeds of one run of the tests: 2,000, or as many as `PERIGEE_SEEDS` says; `PERIGEE_SEED` alone repeats one.
private enum Seeds {
    static let blockCount = 20
    static let all: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["PERIGEE_SEED"].flatMap(UInt64.init) { return one..<one + 1 }
        return 0..<(environment["PERIGEE_SEEDS"].flatMap(UInt64.init) ?? 2_000)
    }()
}

@Suite("Link simulation")
struct LinkSimulationTests {
    @Test(
        "over cuts, repeats, crashes, drops and files that move, return or go, each packet is archived once or explained",
        arguments: 0..<Seeds.blockCount)
    func delivers(_ block: Int) throws {
        for seed in Seeds.all where Int(seed % UInt64(Seeds.blockCount)) == block {
            var simulator = try LinkSimulator(seed: seed)
            simulator.run(packets: 120)
            #expect(simulator.verdict() == [], "seed \(seed): PERIGEE_SEED=\(seed) repeats it")
        }
    }

    @Test("the simulation does cut, crash, drop, replay, fork and send again")
    func simulationIsHard() throws {
        var sessions = 0
        var resent = 0
        var counters = SenderMachine.Counters()
        var epochs = 0
        for seed in 0..<100 as Range<UInt64> {
            var simulator = try LinkSimulator(seed: seed)
            simulator.run(packets: 120)
            sessions += simulator.sender.counters.sessions + simulator.station.sessionsBefore
            resent += simulator.sender.counters.resent + simulator.station.resentBefore
            counters.conflicts += simulator.sender.counters.conflicts
            counters.replayed += simulator.sender.counters.replayed
            counters.tombstones += simulator.sender.counters.tombstones
            epochs += simulator.gateway.archive.count
        }
        #expect(sessions > 200 && resent > 100 && epochs > 120)
        #expect(counters.conflicts > 3 && counters.replayed > 50 && counters.tombstones > 100)
    }
}
