import PerigeeConfig
import PerigeeStation
import Testing

@Suite("Targets of frames")
struct FrameTargetsTests {
    @Test("a target alone is the ladder down to it")
    func plain() {
        let targets = FrameTargets(target: .ratio(300), kept: .ratio(300), best: nil)
        #expect(targets.ratios == [10_000, 3_000, 1_000, 300])
        #expect((targets.wanted, targets.best, targets.isLossless, targets.wantedRatio) == (4, 4, false, 300))
        let odd = FrameTargets(target: .ratio(250), kept: .ratio(300), best: nil)
        #expect(odd.ratios == [10_000, 3_000, 1_000, 300, 250])
        #expect(odd.wanted == 5)
        #expect(FrameTargets(target: .ratio(20_000), kept: .ratio(300), best: nil).wanted == 1)
    }

    @Test("what is kept or bought lies behind the target, which stays a border")
    func finer() {
        let targets = FrameTargets(target: .ratio(250), kept: .ratio(30), best: .ratio(100))
        #expect(targets.ratios == [10_000, 3_000, 1_000, 300, 250, 100, 30])
        #expect((targets.wanted, targets.best) == (5, 6))
        #expect(targets.wantedRatio == 250)
        // coarser than the target: nothing to buy
        #expect(FrameTargets(target: .ratio(100), kept: .ratio(300), best: .ratio(300)).best == 5)
    }

    @Test("lossless is one layer more, wanted, kept or bought")
    func lossless() {
        let wanted = FrameTargets(target: .lossless, kept: .ratio(300), best: .ratio(100))
        #expect(wanted.ratios == [10_000, 3_000, 1_000])
        #expect((wanted.wanted, wanted.best, wanted.isLossless, wanted.wantedRatio) == (4, 4, true, 1_000))
        let kept = FrameTargets(target: .ratio(300), kept: .lossless, best: nil)
        #expect(kept.ratios == [10_000, 3_000, 1_000, 300])
        #expect((kept.wanted, kept.best, kept.isLossless) == (4, 4, true))
        #expect(FrameTargets(target: .ratio(300), kept: .ratio(300), best: .lossless).best == 5)
    }
}
