/// The inverse of a covariance of differences with noise added, by its Cholesky factor.
struct CovarianceInverse {
    private var factor: [Double]
    private let count: Int

    init(_ covariance: [Float16], count: Int) {
        let noise = PlaceModel.noise
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
