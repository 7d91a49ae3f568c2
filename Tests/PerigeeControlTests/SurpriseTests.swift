import PerigeeControl
import PerigeeCore
import PerigeeSimulator
import PerigeeTestSupport
import Testing

/// What one simulated place made of its looks.
struct SurpriseRecord {
    /// Clear looks at the place as it is, with a fire that has burned for three days, and at its town.
    var usual: [Double] = []
    var burned: [Double] = []
    var town: [Double] = []
    var cloudy = 0
    var cloudyHidden = 0
    var clear = 0
    var clearHidden = 0

    /// Follows a place to the last of `visits`, each of which is looked at under a clear sky besides.
    init(seed: UInt64, visits: [Int]) throws {
        let story = try PlaceStory(seed: seed)
        var (cell, town) = (PlaceTable(limit: 4), PlaceTable(limit: 4))
        func cut(_ samples: Samples) throws -> Samples {
            try samples.crop(row: story.town.row, column: story.town.column, side: PlaceStory.townSide)
        }
        for visit in 0...(visits.last ?? 0) {
            let time = story.time(visit)
            if visits.contains(visit) {
                let clear = try story.scene(visit, clouds: 0).frame.samples
                let fire = try story.scene(visit, clouds: 0, fire: 580).frame.samples
                // copies, so that what might have been is not learned
                var (cells, towns) = (cell, town)
                self.usual += [try cells.look(clear, place: "cell", time: time).score].compactMap { $0 }
                cells = cell
                self.burned += [try cells.look(fire, place: "cell", time: time).score].compactMap { $0 }
                self.town += [try towns.look(cut(clear), place: "town", time: time).score].compactMap { $0 }
            }
            let scene = try story.scene(visit)
            let surprise = try cell.look(scene.frame.samples, place: "cell", time: time)
            _ = try town.look(cut(scene.frame.samples), place: "town", time: time)
            if scene.cloudFraction > 0.02 {
                cloudy += 1
                cloudyHidden += surprise.hidden
            } else {
                clear += 1
                clearHidden += surprise.hidden
            }
        }
    }
}

@Suite("Surprise of places")
struct SurpriseTests {
    @Test(
        "in every season a burned parcel scores above 3 and an unchanged town below 1, and clouds are no news",
        arguments: [UInt64(11), 101, 202])
    func seasons(seed: UInt64) throws {
        // November, February, May and August, the place known for ten months or more
        let record = try SurpriseRecord(seed: seed, visits: [66, 84, 102, 120])
        #expect(record.burned.count == 4)
        #expect(record.burned.allSatisfy { $0 > 3 }, "\(record)")
        #expect(!record.town.isEmpty)
        #expect(record.town.allSatisfy { $0 < 1 }, "\(record)")
        #expect(record.usual.allSatisfy { $0 < 3 }, "\(record)")
        #expect(record.cloudy > 30)
        #expect(record.cloudyHidden == record.cloudy, "\(record)")
        #expect(record.clearHidden * 5 < record.clear, "\(record)")
    }

    @Test(
        "the same over ten places and two years: rates of both errors", .timeLimit(.minutes(30)),
        .enabled(if: SlowTests.areExpected, "make test-slow"))
    func rates() throws {
        var (burned, town, usual): ([Double], [Double], [Double]) = ([], [], [])
        var (cloudy, cloudyHidden, clear, clearHidden) = (0, 0, 0, 0)
        for seed in [UInt64(3), 7, 8, 11, 29, 47, 55, 66, 101, 202] {
            let record = try SurpriseRecord(seed: seed, visits: Array(stride(from: 60, to: 146, by: 5)))
            burned += record.burned
            town += record.town
            usual += record.usual
            cloudy += record.cloudy
            cloudyHidden += record.cloudyHidden
            clear += record.clear
            clearHidden += record.clearHidden
        }
        func share(_ values: [Double], _ holds: (Double) -> Bool) -> Double {
            Double(values.count(where: holds)) / Double(max(values.count, 1))
        }
        print(
            "burned \(burned.count): above 3 \(share(burned) { $0 > 3 }), least \(burned.min() ?? 0);",
            "town \(town.count): below 1 \(share(town) { $0 < 1 }), most \(town.max() ?? 0);",
            "usual \(usual.count): above 3 \(share(usual) { $0 > 3 }), most \(usual.max() ?? 0);",
            "cloudy \(cloudy), of them hidden \(cloudyHidden); clear \(clear), of them hidden \(clearHidden)")
        #expect(share(burned) { $0 > 3 } > 0.95)
        #expect(share(town) { $0 < 1 } > 0.95)
        #expect(share(usual) { $0 > 3 } < 0.01)
        #expect(Double(cloudyHidden) > 0.99 * Double(cloudy))
    }
}
