import Glibc

/// How long the code of a look is, under what its place has shown before, and what is learned from it.
///
/// A block's difference from its mean has the covariance that differences of this place have, so its code takes
/// q / 2 · log2 e + constant bits with q the squared Mahalanobis distance. The length of a look is half the logarithm of the root
/// mean square of q over its blocks, so that few blocks with long codes count; its mean and variance are kept too, and the
/// surprise is the difference from the mean in standard deviations. Decision 0022 has what was measured.
package struct PlaceModel {
    /// Share of a look in the means, once there were some: about five looks are remembered.
    static let rate = 0.2
    /// The same for mean and variance of the length.
    static let lengthRate = 0.12
    /// The same for the covariance.
    static let covarianceRate = 0.03
    /// Differences below this (eight percent of a reflectance) are noise.
    static let noise = 0.08
    /// Standard deviation of the length that is always there.
    static let lengthFloor = 0.1
    /// Variance of the length where only one is known.
    private static let startVariance: Float = 0.02
    /// Added to q, so that a place where nothing ever happens is not surprised by noise.
    static let quiet = 1.0
    /// Looks before the first length, and lengths before the first score.
    static let looksBeforeLength = 5
    static let lengthsBeforeScore = 8
    /// A look whose blocks are fewer tells nothing of the place.
    package static let leastBlocks = 16
    /// Haze below which no ground is hidden; with roofs at most; by how much a clear look may exceed the clearest (thin air does).
    private static let hazeLimit = 0.06
    private static let roofLimit = 0.18
    private static let roofMargin = 0.03
    /// By which the clearest look is forgotten with each look.
    private static let hazeDrift = 1.01
    private static let glancesBeforeRoofs = 6
    /// Standard deviations by which one length moves the mean at most.
    private static let clip = 2.0
    /// Differences with a larger q count less when the covariance learns.
    private static let outlier = 9.0

    /// What came of a look.
    enum Outcome: Equatable {
        /// Standard deviations above the usual.
        case scored(Double)
        /// The place is not known well enough.
        case learned
        /// Clouds or snow, or too little of the place: nothing was learned.
        case hidden
    }

    /// Scores a look, then learns from it.
    static func look(_ view: CellView, at state: inout PlaceState) -> Outcome {
        guard view.knownCount >= leastBlocks, isClear(view, &state) else { return .hidden }
        let count = Int(state.features)
        let differences = differences(view, state)
        var outcome = Outcome.learned
        if Int(state.looks) >= looksBeforeLength, differences.count >= leastBlocks {
            let length = length(differences, Inverse(state.covariance, count: count, noise: noise))
            outcome = learn(length: length, &state)
        }
        learn(differences, &state)
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
        state.haze = Float(min(usual, haze))
        let roofs = state.glances > glancesBeforeRoofs ? min(Double(state.haze) + roofMargin, roofLimit) : 0
        return haze <= max(hazeLimit, roofs)
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

    private static func length(_ differences: [SIMD3<Double>], _ inverse: Inverse) -> Double {
        let squares = differences.reduce(0) { sum, difference in
            let q = inverse.distance(difference)
            return sum + q * q
        }
        return log(quiet + (squares / Double(differences.count)).squareRoot()) / 2
    }

    private static func learn(length: Double, _ state: inout PlaceState) -> Outcome {
        guard state.lengths > 0 else {
            (state.mean, state.variance, state.lengths) = (Float(length), startVariance, 1)
            return .learned
        }
        let weight = max(1 / Double(Int(state.lengths) + 1), lengthRate)
        let deviation = length - Double(state.mean)
        let variance = Double(state.variance)
        let score = deviation / (variance + lengthFloor * lengthFloor).squareRoot()
        let isReady = Int(state.lengths) >= lengthsBeforeScore
        // what is news now must not make the next news usual
        let most = clip * variance.squareRoot()
        let learned = min(max(deviation, -most), most)
        state.mean += Float(weight * learned)
        state.variance = Float((1 - weight) * (variance + weight * learned * learned))
        state.lengths = state.lengths == .max ? .max : state.lengths + 1
        return isReady ? .scored(score) : .learned
    }

    private static func learn(_ differences: [SIMD3<Double>], _ state: inout PlaceState) {
        guard !differences.isEmpty, state.looks > 0 else { return }
        let inverse = Inverse(state.covariance, count: Int(state.features), noise: noise)
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
        let rate = max(1 / Double(Int(state.looks) + 1), covarianceRate)
        for index in sums.indices {
            state.covariance[index] += Float(rate * (sums[index] / weights - Double(state.covariance[index])))
        }
    }
}

/// The inverse of a covariance with noise added, by its Cholesky factor.
private struct Inverse {
    private var factor: [Double]
    private let count: Int

    init(_ covariance: [Float], count: Int, noise: Double) {
        self.count = count
        factor = Array(repeating: 0, count: 9)
        let full = [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
        for row in 0..<count {
            for column in 0...row {
                var sum = Double(covariance[full[row][column]]) + (row == column ? noise * noise : 0)
                for k in 0..<column { sum -= factor[row * 3 + k] * factor[column * 3 + k] }
                // rounding may take a little of what the noise has added
                factor[row * 3 + column] =
                    row == column ? max(sum, noise * noise / 4).squareRoot() : sum / factor[column * 3 + column]
            }
        }
    }

    /// Squared Mahalanobis distance over the count of features.
    func distance(_ difference: SIMD3<Double>) -> Double {
        var solved = SIMD3<Double>(repeating: 0)
        var sum = 0.0
        for row in 0..<count {
            var value = difference[row]
            for k in 0..<row { value -= factor[row * 3 + k] * solved[k] }
            solved[row] = value / factor[row * 3 + row]
            sum += solved[row] * solved[row]
        }
        return sum / Double(count)
    }
}
