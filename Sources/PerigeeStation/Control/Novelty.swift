import PerigeeCodec
package import PerigeeConfig
package import PerigeeControl
package import PerigeeCore

/// An earlier frame of a place, decoded from what both ends have of it.
struct EarlierLook {
    let samples: Samples
    let stream: StreamDescription
    let metadata: FrameMetadata
}

/// What a frame tells beyond what its places have shown.
package enum Novelty: Equatable, Sendable {
    /// More than the threshold: it is worth more than others.
    case surprising
    case usual
    /// Nothing beyond what was there when both ends looked last.
    case expected

    /// Score below which a frame may be as expected.
    private static let expectedScore = 1.0

    /// A frame is as expected where half of its cells or more were held against an earlier look, none of the cells is surprising, and
    /// the score is low.
    package init(_ surprise: Surprise, threshold: Double) {
        guard let score = surprise.score else {
            self = .usual
            return
        }
        let cells = surprise.scored + surprise.learned + surprise.hidden
        if score > threshold {
            self = .surprising
        } else if score < Self.expectedScore, surprise.above == 0, 2 * surprise.compared >= cells {
            self = .expected
        } else {
            self = .usual
        }
    }
}

extension FrameTargets {
    /// The targets of a frame whose class or sensor gets `target`: more for news, less for what is as expected. Lossless stays so.
    package init(
        target: StationConfiguration.Target, novelty: Novelty, _ control: StationConfiguration.Control,
        type: SampleType
    ) {
        // singles come back to the last bit only verbatim, which is another stream
        func finer(_ finer: StationConfiguration.Target) -> StationConfiguration.Target {
            finer == .lossless && type == .float32 ? target : finer
        }
        var (sent, kept) = (target, finer(control.keptTarget))
        if novelty == .expected, case .ratio(let own) = target, case .ratio(let coarse) = control.expectedTarget,
            coarse > own
        {
            // what it would have got is made all the same, and stays for whoever asks
            sent = control.expectedTarget
            if case .ratio(let finest) = kept, finest > own { kept = target }
        }
        self.init(target: sent, kept: kept, best: novelty == .surprising ? finer(control.bestTarget) : nil)
    }
}
