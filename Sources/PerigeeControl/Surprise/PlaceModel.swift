import Glibc

/// How long the code of a look is, under what its place has shown before, and what is learned from it.
///
/// A block's difference from its mean has the covariance that differences of this place have, so its code takes
/// q / 2 · log2 e + constant bits with q the squared Mahalanobis distance. The length of a look is half the logarithm of the root
/// mean square of q over its blocks, so that few blocks with long codes count; its mean and variance are kept too, and the
/// surprise is the difference from the mean in standard deviations. Where both ends know an earlier look, the length is that of what
/// it leaves to say (`PlaceComparison`). Decisions 0022 and 0038 have what was measured.
package struct PlaceModel {
    /// Share of a look in the means, once there were some: about five looks are remembered.
    static let rate = 0.2
    /// The same for the covariance.
    static let covarianceRate = 0.03
    /// Differences below this (eight percent of a reflectance) are noise.
    static let noise = 0.08
    /// Added to q, so that a place where nothing ever happens is not surprised by noise.
    static let quiet = 1.0
    /// A look whose blocks are fewer tells nothing of the place.
    package static let leastBlocks = 16
    /// Haze below which no ground is hidden; with roofs at most; by how much a clear look may exceed the clearest (thin air does).
    private static let hazeLimit = 0.06
    private static let roofLimit = 0.18
    private static let roofMargin = 0.03
    /// By which the clearest look is forgotten with each look.
    private static let hazeDrift = 1.01
    private static let glancesBeforeRoofs = 6
    /// Differences with a larger q count less when the covariance learns.
    private static let outlier = 9.0

    /// What came of a look.
    enum Outcome: Equatable {
        /// Standard deviations above the usual, and whether an earlier look was known.
        case scored(Double, isCompared: Bool)
        /// The place is not known well enough.
        case learned
        /// Clouds or snow, or too little of the place: nothing was learned.
        case hidden
    }

    /// Scores a look, then learns from it. `earlier`: what both ends know of the cell.
    static func look(_ view: CellView, after earlier: CellView?, at state: inout PlaceState) -> Outcome {
        guard view.knownCount >= leastBlocks, isClear(view, &state) else { return .hidden }
        let count = Int(state.features)
        let comparison = earlier.flatMap { PlaceComparison(view, after: $0, at: state) }
        let differences = differences(view, state)
        var outcome = Outcome.learned
        if differences.count >= leastBlocks {
            let length = length(differences, CovarianceInverse(state.covariance, count: count))
            if let score = state.usual.learn(length) { outcome = .scored(score, isCompared: false) }
        }
        if let score = comparison?.learn(&state) { outcome = .scored(score, isCompared: true) }
        if state.looks > 0 {
            learn(
                differences, &state.covariance, count: count,
                rate: max(1 / Double(Int(state.looks) + 1), covarianceRate))
        }
        for block in 0..<CellView.blockCount where view.known[block] {
            let weight = max(1 / Double(Int(state.looks) + 1), rate)
            for feature in 0..<count {
                let new = view.values[feature][block]
                let old = state.isKnown(block) ? state.value(feature, block) : new
                state.set(feature, block, old + weight * (new - old))
            }
        }
        state.looks = state.looks == .max ? .max : state.looks + 1
        return outcome
    }

    /// Whether neither clouds nor snow lie in sight. Bright roofs look like a little haze: what a place shows on its clearest
    /// looks is no cloud.
    private static func isClear(_ view: CellView, _ state: inout PlaceState) -> Bool {
        guard !view.isBesideClouds else { return false }
        guard let haze = view.haze else { return true }
        state.glances = state.glances == .max ? .max : state.glances + 1
        let usual = state.glances > 1 ? Double(state.haze) * hazeDrift : haze
        state.haze = Float16(min(usual, haze))
        return haze <= clearHaze(state)
    }

    /// The highest haze of a block of ground of this place.
    static func clearHaze(_ state: PlaceState) -> Double {
        let roofs = state.glances > glancesBeforeRoofs ? min(Double(state.haze) + roofMargin, roofLimit) : 0
        return max(hazeLimit, roofs)
    }

    /// Differences of the blocks that are shown and known.
    private static func differences(_ view: CellView, _ state: PlaceState) -> [SIMD3<Double>] {
        (0..<CellView.blockCount).filter { view.known[$0] && state.isKnown($0) }.map { block in
            var difference = SIMD3<Double>(repeating: 0)
            for feature in 0..<Int(state.features) {
                difference[feature] = view.values[feature][block] - state.value(feature, block)
            }
            return difference
        }
    }

    private static func length(_ differences: [SIMD3<Double>], _ inverse: CovarianceInverse) -> Double {
        let squares = differences.reduce(0) { sum, difference in
            let q = inverse.distance(difference)
            return sum + q * q
        }
        return log(quiet + (squares / Double(differences.count)).squareRoot()) / 2
    }

    /// Moves a covariance towards that of these differences, far ones counting less.
    static func learn(
        _ differences: [SIMD3<Double>], _ covariance: inout [Float16], count: Int, rate: Double
    ) {
        guard !differences.isEmpty else { return }
        let inverse = CovarianceInverse(covariance, count: count)
        var sums = [Double](repeating: 0, count: 6)
        var weights = 0.0
        for difference in differences {
            let weight = min(1, outlier / max(inverse.distance(difference), 1e-9))
            weights += weight
            var index = 0
            for row in 0..<3 {
                for column in row..<3 {
                    sums[index] += weight * difference[row] * difference[column]
                    index += 1
                }
            }
        }
        for index in sums.indices {
            let old = Double(covariance[index])
            covariance[index] = Float16(old + rate * (sums[index] / weights - old))
        }
    }
}
