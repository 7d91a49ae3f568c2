import PerigeeLink
import PerigeeTestSupport
import Testing

@Suite("Sequence sets")
struct SequenceSetTests {
    @Test("a set agrees with a plain one, whatever the order of numbers", arguments: 0..<50)
    func agrees(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var set = SequenceSet()
        var plain: Set<UInt64> = []
        var floor: UInt64 = 0
        for _ in 0..<200 {
            if UInt64.random(in: 0..<20, using: &generator) == 0 {
                let lowest = UInt64.random(in: 1...80, using: &generator)
                let missing = lowest - 1 > floor ? (floor + 1..<lowest).count { !plain.contains($0) } : 0
                let known = set.raise(lowest: lowest)
                #expect(known == UInt64(missing), "seed \(seed)")
                if lowest - 1 > floor { plain.formUnion(floor + 1..<lowest) }
                floor = max(floor, lowest - 1)
            } else {
                let number = UInt64.random(in: 1...80, using: &generator)
                #expect(set.insert(number) == plain.insert(number).inserted, "seed \(seed)")
            }
            while plain.contains(floor + 1) { floor += 1 }
            #expect(set.cumulative == floor, "seed \(seed)")
            for number in 1...82 as ClosedRange<UInt64> { #expect(set.contains(number) == plain.contains(number)) }
        }
    }

    @Test("an acknowledgement names the lowest 32 ranges")
    func cut() {
        var set = SequenceSet()
        for number in stride(from: 2, through: 100, by: 2) { set.insert(UInt64(number)) }
        #expect(set.ranges.count == 50)
        #expect(set.acknowledgement.ranges.count == 32)
        #expect(set.acknowledgement.highest == 64)
    }
}
