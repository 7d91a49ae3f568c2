import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

@Suite("What stays of a place")
struct RetentionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let members: [Retention.Member]
        let kept: Set<UInt64>
    }

    static func key(_ frame: UInt64, _ days: Double?, _ distortion: Float? = 100, clear: Double = 1) -> Retention.Member
    {
        .init(frame: frame, time: days.map(day), isKey: true, clearShare: clear, distortion: distortion)
    }

    static func update(
        _ frame: UInt64, _ days: Double?, _ distortion: Float? = 400, clear: Double = 1
    ) -> Retention.Member {
        .init(frame: frame, time: days.map(day), isKey: false, clearShare: clear, distortion: distortion)
    }

    static let cases: [Case] = [
        Case(testDescription: "one frame", members: [update(1, 0)], kept: [1]),
        Case(testDescription: "nothing", members: [], kept: []),
        Case(
            testDescription: "a coarse update stands beside the key", members: [key(1, 0), update(2, 10)], kept: [1, 2]),
        Case(
            testDescription: "of two updates the newer", members: [key(1, 0), update(2, 5), update(3, 10)],
            kept: [1, 3]),
        Case(
            testDescription: "an update of lower distortion replaces the key",
            members: [key(1, 0), update(2, 10, 50)], kept: [2]),
        Case(
            testDescription: "an update replaces no key whose distortion nobody measured",
            members: [key(1, 0, nil), update(2, 10, 50)], kept: [1, 2]),
        Case(
            testDescription: "a key of higher distortion stands beside the better one",
            members: [key(1, 0, 100), key(2, 10, 120)], kept: [1, 2]),
        Case(
            testDescription: "a key of lower distortion replaces the key",
            members: [key(1, 0, 100), key(2, 10, 90)], kept: [2]),
        Case(
            testDescription: "an old key of the same season gives way",
            members: [key(1, 0), key(2, 70, 500)], kept: [2]),
        Case(
            testDescription: "a key of another season stays", members: [key(1, 0), key(2, 120, 90), update(3, 130)],
            kept: [1, 2, 3]),
        Case(
            testDescription: "a season's key goes after 400 days", members: [key(1, 0), update(2, 401)], kept: [2]),
        Case(
            testDescription: "clouds push nothing out", members: [key(1, 0), update(2, 5), update(3, 10, clear: 0.2)],
            kept: [1, 2]),
        Case(
            testDescription: "half a clear frame does not push out a clear one",
            members: [key(1, 0), update(2, 5), update(3, 10, clear: 0.6)], kept: [1, 2]),
        Case(
            testDescription: "nothing but clouds: the clearest",
            members: [
                update(1, 0, clear: 0.1), update(2, 5, clear: 0.3), update(3, 10, clear: 0.2),
            ], kept: [2]),
        Case(
            testDescription: "without times only distortion replaces a key",
            members: [key(1, nil), key(2, nil, 200), update(3, nil)], kept: [1, 3]),
        Case(
            testDescription: "a key of years ahead gives way to a key, and to no update",
            members: [key(1, 3_652), key(2, 1, 300), update(3, 2)], kept: [2, 3]),
        Case(
            testDescription: "a key of years ahead stays beside updates",
            members: [key(1, 3_652), update(2, 1)], kept: [1, 2]),
        Case(
            testDescription: "a clock that went back makes no key old",
            members: [key(1, 500), update(2, 10)], kept: [1, 2]),
    ]

    @Test(arguments: cases)
    func keeps(_ example: Case) {
        #expect(Retention().kept(example.members) == example.kept)
    }

    @Test(
        "two frames of a place stay whatever comes, with a key for each other season; the newest clear one is among them"
    )
    func bounds() {
        for seed in 0..<300 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var members: [Retention.Member] = []
            for frame in 1...40 as ClosedRange<UInt64> {
                let time = Double(frame) * 17 + Double.random(in: -30...30, using: &generator)
                members.append(
                    .init(
                        frame: frame, time: Bool.random(using: &generator) ? day(time) : nil,
                        isKey: Bool.random(using: &generator), clearShare: .random(in: 0...1, using: &generator),
                        distortion: Bool.random(using: &generator) ? .random(in: 1...1_000, using: &generator) : nil))
                let kept = Retention().kept(members)
                #expect(!kept.isEmpty && kept.count <= 6, "seed \(seed)")
                members.removeAll { !kept.contains($0.frame) }
            }
        }
    }
}

@Suite("Which reference is best")
struct CandidateScoreTests {
    static func score(
        _ frame: UInt64 = 1, overlap: Double = 1, clear: Double = 1, ratio: Int = 100, days: Double? = 5
    ) -> CandidateScore {
        CandidateScore(
            frame: frame, overlap: overlap, clearShare: clear, ratio: ratio,
            gapMilliseconds: days.map { Int64($0 * 86_400_000) })
    }

    @Test(
        "the better one goes first",
        arguments: [
            (score(days: 5), score(days: 30)), (score(days: 30), score(days: 100)), (score(), score(ratio: 1_000)),
            (score(), score(clear: 0.5)), (score(), score(overlap: 0.4)), (score(2), score(1)),
            (score(days: 365), score(days: 190)), (score(ratio: 100, days: 60), score(ratio: 3_000, days: 5)),
            (score(ratio: 1_000, days: 5), score(ratio: 100, days: 120)),
            (score(overlap: 0.05, ratio: 10_000, days: 3_000), score(days: nil)),
            (score(2, days: nil), score(1, days: nil)),
        ])
    func order(_ better: CandidateScore, _ worse: CandidateScore) {
        #expect(better < worse)
        #expect(!(worse < better))
    }

    @Test("any gap gives a share, never more than a fresh one")
    func extremes() {
        for gap in [Int64.max, .min, 0, 1] {
            let score = CandidateScore(frame: 0, overlap: 1, clearShare: 1, ratio: 0, gapMilliseconds: gap)
            #expect((0...1).contains(score.value))
        }
    }
}
