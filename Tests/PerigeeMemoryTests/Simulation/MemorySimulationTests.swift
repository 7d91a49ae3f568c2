import Foundation
import PerigeeMemory
import PerigeeTestSupport
import Testing

/// Seeds of one run of the tests: 200, or 10,000 where long tests are asked for, or as many as `PERIGEE_SEEDS` says; `PERIGEE_SEED`
/// alone repeats one.
private enum Seeds {
    static let blockCount = 10
    static let all: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["PERIGEE_SEED"].flatMap(UInt64.init) { return one..<one + 1 }
        let usual: UInt64 = SlowTests.areExpected ? 10_000 : 200
        return 0..<(environment["PERIGEE_SEEDS"].flatMap(UInt64.init) ?? usual)
    }()
}

@Suite("Memory at both ends")
struct MemorySimulationTests {
    @Test(
        "what the station may name is filed and equal after every delivery; what waits waits for one WANT round or a key",
        arguments: 0..<Seeds.blockCount)
    func agrees(_ block: Int) {
        for seed in Seeds.all where Int(seed % UInt64(Seeds.blockCount)) == block {
            var simulator = MemorySimulator(seed: seed)
            simulator.run(steps: 400)
            #expect(simulator.faults == [], "seed \(seed): PERIGEE_SEED=\(seed) repeats it")
        }
    }

    @Test("the simulation does predict, lose, differ, drop, refine, crash and begin epochs")
    func simulationIsHard() {
        var counts: [String: Int] = [:]
        for seed in 0..<60 as Range<UInt64> {
            var simulator = MemorySimulator(seed: seed)
            simulator.run(steps: 400)
            counts.merge(simulator.counts, uniquingKeysWith: +)
        }
        print("60 seeds: \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
        for event in [
            "predicted", "decoded", "waited", "differed", "served", "plain", "lost", "evicted", "dropped", "refined",
            "crashed", "epochs",
        ] {
            #expect(counts[event] ?? 0 >= 10, "\(event) hardly ever happens")
        }
    }
}
