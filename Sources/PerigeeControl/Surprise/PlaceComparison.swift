import Glibc

/// A look held against an earlier one that both ends know, in quarters of blocks.
///
/// What is likely is what was there last time, and what is usual: a quarter's code goes by whichever makes it shorter, its own
/// difference from the earlier look or that from the mean of its block, each under the covariance that such differences have
/// here. The length of the look is half the logarithm of the mean of the fourth powers of q, its fourth root: a change of some
/// quarters is news though all others are as expected.
struct PlaceComparison {
    /// By quarter; nil where the earlier look, or the mean, does not know it.
    private var sinceThen: [SIMD3<Double>?] = []
    private var fromMeans: [SIMD3<Double>?] = []

    /// Quarters that both looks must show.
    private static let leastQuarters = 4 * PlaceModel.leastBlocks

    /// nil where the earlier look shows too little clear ground of what the new one shows.
    init?(_ view: CellView, after earlier: CellView, at state: PlaceState) {
        let count = Int(state.features)
        guard earlier.values.count == count, view.values.count == count else { return nil }
        let clear = PlaceModel.clearHaze(state)
        for quarter in 0..<CellView.quarterCount where view.fineKnown[quarter] {
            let block = CellView.block(of: quarter)
            func difference(_ known: (Int) -> Double) -> SIMD3<Double> {
                var difference = SIMD3<Double>(repeating: 0)
                for feature in 0..<count { difference[feature] = view.fine[feature][quarter] - known(feature) }
                return difference
            }
            let isClear = earlier.fineKnown[quarter] && (earlier.hazes?[block] ?? 0) <= clear
            sinceThen.append(isClear ? difference { earlier.fine[$0][quarter] } : nil)
            fromMeans.append(state.isKnown(block) ? difference { state.value($0, block) } : nil)
        }
        guard sinceThen.count(where: { $0 != nil }) >= Self.leastQuarters else { return nil }
    }

    /// Scores the look, then learns from it; nil while too few were compared.
    func learn(_ state: inout PlaceState) -> Double? {
        let rate = max(1 / Double(Int(state.compared.count) + 2), PlaceModel.covarianceRate)
        let score = state.compared.learn(length(state))
        let count = Int(state.features)
        PlaceModel.learn(sinceThen.compactMap { $0 }, &state.earlierCovariance, count: count, rate: rate)
        PlaceModel.learn(fromMeans.compactMap { $0 }, &state.quarterCovariance, count: count, rate: rate)
        return score
    }

    private func length(_ state: PlaceState) -> Double {
        let count = Int(state.features)
        let inverses = (
            CovarianceInverse(state.earlierCovariance, count: count),
            CovarianceInverse(state.quarterCovariance, count: count)
        )
        var (sum, quarters) = (0.0, 0)
        for (then, mean) in zip(sinceThen, fromMeans) {
            let distances = [then.map(inverses.0.distance), mean.map(inverses.1.distance)].compactMap { $0 }
            guard let q = distances.min() else { continue }
            sum += q * q * q * q
            quarters += 1
        }
        return log(PlaceModel.quiet + (sum / Double(max(quarters, 1))).squareRoot().squareRoot()) / 2
    }
}
