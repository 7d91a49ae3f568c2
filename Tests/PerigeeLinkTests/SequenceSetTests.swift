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

    @Test("a range agrees with its numbers one by one, and is found again", arguments: 0..<200)
    func ranges(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var whole = SequenceSet()
        var single = SequenceSet()
        for _ in 0..<40 {
            let start = UInt64.random(in: 1...100, using: &generator)
            let range = start..<start + UInt64.random(in: 0...12, using: &generator)
            whole.insert(range)
            for number in range { single.insert(number) }
            #expect(whole == single, "seed \(seed)")
            let isFound = (0...115 as ClosedRange<UInt64>).allSatisfy { number in
                let found = whole.range(containing: number)
                return (found != nil) == (number > whole.cumulative && whole.contains(number))
                    && found?.contains(number) != false
            }
            #expect(isFound, "seed \(seed)")
        }
    }

    @Test("what is forgotten are the highest ranges")
    func forgets() {
        var set = SequenceSet(cumulative: 1, ranges: [3..<4, 5..<8, 10..<11])
        #expect(set.forget(beyond: 3) == nil)
        #expect(set.forget(beyond: 1) == 5)
        #expect(set == SequenceSet(cumulative: 1, ranges: [3..<4]))
    }
}
