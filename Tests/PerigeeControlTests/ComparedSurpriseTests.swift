import PerigeeControl
import PerigeeCore
import PerigeeSimulator
import PerigeeTestSupport
import Testing

/// What both ends have of the newest clear look at a place.
enum Knowledge: Equatable, Sendable, CustomStringConvertible {
    case nothing
    /// The look as it was.
    case look
    /// What the line got of it, so many times less than the samples.
    case coded(ratio: Int)

    var description: String {
        switch self {
        case .nothing: "without an earlier look"
        case .look: "after an earlier look"
        case .coded(let ratio): "after an earlier look at \(ratio)x"
        }
    }
}

/// Scores of one simulated place whose newest clear look both ends know, or not.
private struct ComparedRecord {
    var usual: [Double] = []
    var town: [Double] = []
    /// By radius in metres.
    var burned: [Double: [Double]] = [:]
    var cloudy = 0
    var cloudyHidden = 0

    /// Samples along a side of the town: quarters of blocks have sixteen.
    private static let townSide = 64

    /// Follows a place to the last of `visits`, each of which is looked at under a clear sky besides.
    init(seed: UInt64, visits: [Int], radii: [Double], knowing knowledge: Knowledge) throws {
        let story = try PlaceStory(seed: seed)
        var (cell, town) = (PlaceTable(limit: 4), PlaceTable(limit: 4))
        var memory: Memory?
        if case .coded(let ratio) = knowledge { memory = try Memory(ratio: ratio, of: story.scene(0).frame) }
        var known: Samples?
        func cut(_ samples: Samples) throws -> Samples {
            let limit = PlaceStory.side - Self.townSide
            return try samples.crop(
                row: min(story.town.row, limit), column: min(story.town.column, limit), side: Self.townSide)
        }
        for visit in 0...(visits.last ?? 0) {
            let time = story.time(visit)
            // copies, so that what might have been is not learned
            func score(_ table: PlaceTable, _ samples: Samples, _ place: String, _ earlier: Samples?) throws -> [Double]
            {
                var table = table
                let surprise = try table.look(samples, place: place, time: time, after: earlier)
                return surprise.compared == (knowledge == .nothing ? 0 : 1) ? [surprise.score].compactMap { $0 } : []
            }
            if visits.contains(visit) {
                let clear = try story.scene(visit, clouds: 0).frame.samples
                usual += try score(cell, clear, "cell", known)
                self.town += try score(town, cut(clear), "town", known.map(cut))
                for radius in radii {
                    let fire = try story.scene(visit, clouds: 0, fire: radius).frame.samples
                    burned[radius, default: []] += try score(cell, fire, "cell", known)
                }
            }
            let scene = try story.scene(visit)
            let samples = scene.frame.samples
            let surprise = try cell.look(samples, place: "cell", time: time, after: known)
            _ = try town.look(cut(samples), place: "town", time: time, after: known.map(cut))
            if scene.cloudFraction > 0.02 {
                cloudy += 1
                cloudyHidden += surprise.hidden
            }
            guard surprise.hidden == 0, knowledge != .nothing else { continue }
            try memory?.send(samples)
            known = memory?.latest ?? samples
        }
    }
}

@Suite("Surprise against what both ends know")
struct ComparedSurpriseTests {
    @Test(
        "in every season a fire of 300 metres stands out, and an unchanged place and town do not",
        arguments: [UInt64(11), 101, 202])
    func seasons(seed: UInt64) throws {
        let record = try ComparedRecord(seed: seed, visits: [66, 84, 102, 120], radii: [300, 580], knowing: .look)
        #expect(record.burned[580]?.count == 4)
        #expect(record.burned[580]?.allSatisfy { $0 > 3 } == true, "\(record)")
        #expect(record.burned[300]?.allSatisfy { $0 > 2 } == true, "\(record)")
        #expect(record.usual.allSatisfy { $0 < 3 }, "\(record)")
        #expect(!record.town.isEmpty)
        #expect(record.town.allSatisfy { $0 < 1.5 }, "\(record)")
        #expect(record.cloudyHidden == record.cloudy, "\(record)")
    }

    @Test(
        "the same over ten places and two years, memory as it went over the line: rates of both errors",
        .timeLimit(.minutes(30)), .enabled(if: SlowTests.areExpected, "make test-slow"),
        arguments: [Knowledge.nothing, .coded(ratio: 300), .coded(ratio: 1_000)])
    func rates(knowledge: Knowledge) throws {
        var (burned, town, usual): ([Double: [Double]], [Double], [Double]) = ([:], [], [])
        var (cloudy, cloudyHidden) = (0, 0)
        for seed in [UInt64(3), 7, 8, 11, 29, 47, 55, 66, 101, 202] {
            let record = try ComparedRecord(
                seed: seed, visits: Array(stride(from: 60, to: 146, by: 5)), radii: [300, 400, 580],
                knowing: knowledge)
            burned.merge(record.burned, uniquingKeysWith: +)
            town += record.town
            usual += record.usual
            cloudy += record.cloudy
            cloudyHidden += record.cloudyHidden
        }
        func share(_ values: [Double]?, _ holds: (Double) -> Bool) -> Double {
            Double(values?.count(where: holds) ?? 0) / Double(max(values?.count ?? 0, 1))
        }
        func text(_ values: [Double]) -> String {
            let sorted = values.sorted()
            return "\(sorted.count), median \(sorted[sorted.count / 2]), least \(sorted[0]), most \(sorted.last ?? 0)"
        }
        for (radius, scores) in burned.sorted(by: { $0.key < $1.key }) {
            print("\(knowledge): fires of \(radius): above 3 \(share(scores) { $0 > 3 }); \(text(scores))")
        }
        print(
            "\(knowledge): usual above 3 \(share(usual) { $0 > 3 }), below 1 \(share(usual) { $0 < 1 }); \(text(usual))"
        )
        print(
            "\(knowledge): town below 1 \(share(town) { $0 < 1 }); \(text(town)); hidden \(cloudyHidden) of \(cloudy)")
        #expect(share(burned[580]) { $0 > 3 } > 0.95)
        #expect(knowledge == .nothing || share(burned[300]) { $0 > 3 } > 0.85)
        #expect(share(town) { $0 < 1 } > 0.85)
        #expect(share(town) { $0 > 3 } < 0.01)
        #expect(share(usual) { $0 > 3 } < 0.01)
        #expect(Double(cloudyHidden) > 0.99 * Double(cloudy))
    }
}
