import PerigeeConfig
import PerigeeControl
import PerigeeCore
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("News and what is as expected")
struct NoveltyTests {
    private func surprise(_ score: Double?, compared: Int, of cells: Int = 10, above: Int = 0) -> Surprise {
        var surprise = Surprise()
        surprise.score = score
        surprise.scored = max(compared, cells - 2)
        surprise.hidden = cells - surprise.scored
        (surprise.compared, surprise.above) = (compared, above)
        return surprise
    }

    @Test("as expected is what scores low everywhere after an earlier look at half of the cells")
    func kinds() {
        func novelty(_ surprise: Surprise) -> Novelty { Novelty(surprise, threshold: 3) }
        #expect(novelty(surprise(3.1, compared: 0)) == .surprising)
        #expect(novelty(surprise(3, compared: 10)) == .usual)
        #expect(novelty(surprise(0.9, compared: 5)) == .expected)
        #expect(novelty(surprise(0.9, compared: 4)) == .usual)
        #expect(novelty(surprise(1, compared: 10)) == .usual)
        // a large scene of which one cell burns
        #expect(novelty(surprise(0.1, compared: 90, of: 100, above: 1)) == .usual)
        #expect(novelty(surprise(nil, compared: 0)) == .usual)
    }

    @Test("news gets more, what is as expected less, and what it would have got is kept")
    func targets() throws {
        let configuration = try StationConfiguration(path: SharedData.packageRoot + "/Config/perigeed.toml")
        func targets(_ target: StationConfiguration.Target, _ novelty: Novelty) -> FrameTargets {
            FrameTargets(target: target, novelty: novelty, configuration.control, type: .uint16)
        }
        let expected = targets(.ratio(100), .expected)
        #expect(expected.ratios == [10_000, 3_000, 1_000, 300, 100])
        #expect((expected.wanted, expected.best, expected.wantedRatio) == (3, 3, 1_000))
        #expect(targets(.ratio(100), .usual).wanted == 5)
        let news = targets(.ratio(300), .surprising)
        #expect((news.wanted, news.best) == (4, 5))
        // coarser than what would be sent of it, and lossless: as they are
        #expect(targets(.ratio(3_000), .expected) == targets(.ratio(3_000), .usual))
        #expect(targets(.lossless, .expected) == targets(.lossless, .usual))
        var unchanged = configuration.control
        unchanged.expectedTarget = .lossless
        #expect(
            FrameTargets(target: .ratio(100), novelty: .expected, unchanged, type: .uint16)
                == targets(.ratio(100), .usual))
    }
}
