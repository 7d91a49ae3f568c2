import Foundation
import PerigeeGateway
import PerigeeTestSupport
import Testing

/// Seeds of one run of the tests: 300, or 10,000 where long tests are asked for, or as many as `PERIGEE_SEEDS` says; `PERIGEE_SEED`
/// alone repeats one.
private enum Seeds {
    static let blockCount = 10
    static let all: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["PERIGEE_SEED"].flatMap(UInt64.init) { return one..<one + 1 }
        let usual: UInt64 = SlowTests.areExpected ? 10_000 : 300
        return 0..<(environment["PERIGEE_SEEDS"].flatMap(UInt64.init) ?? usual)
    }()
}

@Suite("Memory over the link")
struct ReferenceSimulationTests {
    @Test(
        "over cuts, crashes, forks and losses both ends make the same references, and nothing waits that could have come",
        arguments: 0..<Seeds.blockCount)
    func agrees(_ block: Int) throws {
        for seed in Seeds.all where Int(seed % UInt64(Seeds.blockCount)) == block {
            var simulator = try ReferenceSimulator(seed: seed)
            simulator.run(frames: 50)
            #expect(simulator.faults == [], "seed \(seed): PERIGEE_SEED=\(seed) repeats it")
        }
    }

    @Test("the simulation does predict, cut, crash, fork, drop, lose, differ, fetch and replace")
    func simulationIsHard() throws {
        var counts: [String: Int] = [:]
        for seed in 0..<80 as Range<UInt64> {
            var simulator = try ReferenceSimulator(seed: seed)
            simulator.run(frames: 50)
            counts.merge(simulator.counts, uniquingKeysWith: +)
            counts["fetched", default: 0] += simulator.gateway.book.fetched
            counts["replaced", default: 0] += simulator.gateway.book.replaced
        }
        print("80 seeds: \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
        for event in [
            "predicted", "decoded", "cut", "station crashed", "gateway crashed", "epochs", "forked", "evicted",
            "dropped",
            "refined", "lost", "falsified", "differed", "served", "plain", "fetched", "replaced", "given up",
            "taken back",
        ] {
            #expect(counts[event] ?? 0 >= 5, "\(event) hardly ever happens")
        }
    }
}
