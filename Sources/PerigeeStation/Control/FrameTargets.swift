import PerigeeCodec
package import PerigeeConfig

/// Up to where a frame is encoded, and how much of that is sent when the line takes it.
package struct FrameTargets: Equatable, Sendable {
    /// Raw octets over octets sent at the end of each layer, coarse to fine; a residual layer is none of them.
    package var ratios: [Double]
    /// Whether a residual layer follows that makes the frame lossless.
    package var isLossless: Bool
    /// Layers that are sent when the line takes them, and that are sent beyond those when it is free.
    package var wanted: Int
    package var best: Int

    /// `target` is what a class or sensor gets; `kept` and `best` count where they are finer, `best` only where there is one.
    package init(
        target: StationConfiguration.Target, kept: StationConfiguration.Target, best: StationConfiguration.Target?
    ) {
        let all = [target, kept] + (best.map { [$0] } ?? [])
        let isLossless = all.contains(.lossless)
        func ratio(_ target: StationConfiguration.Target) -> Double {
            guard case .ratio(let ratio) = target else { return LayerLadder.ratioBelowResidual }
            return ratio
        }
        // below a residual layer the transform ends early: what was asked for beyond that comes with the residual
        let targets = target == .lossless ? [LayerLadder.ratioBelowResidual] : all.map(ratio)
        let finest = targets.reduce(ratio(target), min)
        let ratios = Set(LayerLadder.ratios.filter { $0 > finest } + targets).sorted(by: >)
        let count = ratios.count + (isLossless ? 1 : 0)
        func layers(_ target: StationConfiguration.Target) -> Int {
            guard case .ratio(let value) = target else { return count }
            return (ratios.lastIndex { $0 >= value } ?? 0) + 1
        }
        let wanted = layers(target)
        self.ratios = ratios
        self.isLossless = isLossless
        self.wanted = wanted
        self.best = max(wanted, best.map(layers) ?? wanted)
    }

    /// The ratio of what is sent when the line takes it.
    package var wantedRatio: Double { ratios[min(wanted, ratios.count) - 1] }
}
