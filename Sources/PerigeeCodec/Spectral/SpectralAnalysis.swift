import CBLAS

/// What the encoder measures of a frame to choose its basis. It may be fast and inexact: nothing here changes what tokens mean.
struct SpectralAnalysis {
    let count: Int
    /// One entry a level from 1 to `levels`.
    private(set) var levels: [Level] = []

    struct Level {
        /// Coefficients of one band.
        let coefficients: Int
        let index: Int
        /// Second moments `[band][band]`.
        let covariance: [Double]
    }

    /// Samples of a sub-band that are looked at, at most about.
    private static let sampleLimit = 65_536
    private static let block = 1_024

    /// What was measured elsewhere.
    init(count: Int, levels: [Level]) {
        self.count = count
        self.levels = levels
    }

    /// Measures band coefficients in Mallat layout.
    init(_ planes: Planes, transform: SpectralTransform) {
        count = planes.components
        openblas_set_num_threads(1)
        let geometry = transform.geometry
        for level in 1..<geometry.levels + 1 {
            var coefficients = 0
            var sums = [Double](repeating: 0, count: count * count)
            for subband in geometry.subbands(of: level) where !subband.rows.isEmpty && !subband.columns.isEmpty {
                let size = subband.rows.count * subband.columns.count
                coefficients += size
                let moments = Self.moments(planes, subband)
                for index in sums.indices { sums[index] += moments[index] * Double(size) }
            }
            guard coefficients > 0 else { continue }
            for index in sums.indices { sums[index] /= Double(coefficients) }
            levels.append(
                Level(coefficients: coefficients, index: transform.index(ofLevel: level), covariance: sums))
        }
    }

    /// Mean products of all pairs of bands over (a sample of the rows of) a sub-band.
    private static func moments(_ planes: Planes, _ subband: FrameSubband) -> [Double] {
        let count = planes.components
        let (plane, width) = (planes.planeCount, subband.columns.count)
        let step = max(1, subband.rows.count * width / sampleLimit)
        var sums = [Float](repeating: 0, count: count * count)
        var seen = 0
        var gathered = 0
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count * block) { buffer in
            planes.values.withUnsafeBufferPointer { values in
                for row in stride(from: subband.rows.lowerBound, to: subband.rows.upperBound, by: step) {
                    var column = 0
                    while column < width {
                        let taken = min(width - column, block - gathered)
                        let start = row * planes.columns + subband.columns.lowerBound + column
                        for band in 0..<count {
                            for i in 0..<taken {
                                buffer[band * block + gathered + i] = values[band * plane + start + i]
                            }
                        }
                        column += taken
                        gathered += taken
                        if gathered == block { flush(buffer, &gathered, &seen, count, &sums) }
                    }
                }
            }
            flush(buffer, &gathered, &seen, count, &sums)
        }
        return (0..<count * count).map { index in
            let (i, j) = (index / count, index % count)
            return Double(sums[min(i, j) * count + max(i, j)]) / Double(max(seen, 1))
        }
    }

    private static func flush(
        _ buffer: UnsafeMutableBufferPointer<Float>, _ gathered: inout Int, _ seen: inout Int, _ count: Int,
        _ sums: inout [Float]
    ) {
        guard gathered > 0 else { return }
        sums.withUnsafeMutableBufferPointer { sums in
            cblas_ssyrk(
                CblasRowMajor, CblasUpper, CblasNoTrans, Int32(count), Int32(gathered), 1, buffer.baseAddress,
                Int32(block), 1, sums.baseAddress, Int32(count))
        }
        seen += gathered
        gathered = 0
    }

    /// Variances of the components of `basis` with how many coefficients have each; nil is the identity.
    func variances(_ basis: SpectralBasis?) -> [(coefficients: Double, variance: Double)] {
        levels.flatMap { level -> [(Double, Double)] in
            guard let basis else {
                return (0..<count).map { (Double(level.coefficients), level.covariance[$0 * (count + 1)]) }
            }
            let matrix = basis.matrix(level.index)
            return (0..<count).map { k in
                var sum = 0.0
                for b in 0..<count {
                    var inner = 0.0
                    for d in 0..<count { inner += level.covariance[b * count + d] * Double(matrix[k * count + d]) }
                    sum += inner * Double(matrix[k * count + b])
                }
                return (Double(level.coefficients), max(sum, 0))
            }
        }
    }

    /// Covariances of all levels together, weighted in three ways: one of them suits as a single basis. Weighing by energy
    /// alone lets the strong coarse levels rule, which is the worst of the three on most frames.
    var candidates: [[Double]] {
        [
            sum { Double($0.coefficients) / max(Self.trace($0.covariance, count), 1e-6) },
            sum { $0.index <= 5 ? 1 / max(Self.trace($0.covariance, count), 1e-6) : 0 },
            sum { Double($0.coefficients) },
        ]
    }

    private func sum(_ weight: (Level) -> Double) -> [Double] {
        var total = [Double](repeating: 0, count: count * count)
        for level in levels {
            let share = weight(level)
            for index in total.indices { total[index] += level.covariance[index] * share }
        }
        return total
    }

    private static func trace(_ matrix: [Double], _ count: Int) -> Double {
        (0..<count).reduce(0) { $0 + matrix[$1 * (count + 1)] }
    }

    /// The threshold at which trained sets are compared, found best at all rates (codec notes: 0.1 of the square of a step
    /// of 500).
    static let commonThreshold = 0.1 * 500 * 500

    /// The proxy by which bases are compared: rate and distortion of a coefficient of variance v are like 1 + ln(v / t)
    /// above the threshold t, v / t below.
    static func cost(
        _ variances: [(coefficients: Double, variance: Double)], threshold: Double = commonThreshold
    ) -> Double {
        variances.reduce(0) { sum, entry in
            let ratio = entry.variance / threshold
            return sum + entry.coefficients * (ratio > 1 ? 1 + log2Encoder(ratio) * 0.6931471805599453 : ratio)
        }
    }

    /// The distortion at which coefficients of these variances take the budget (reverse water-filling).
    static func distortion(_ variances: [(coefficients: Double, variance: Double)], budget bits: Double) -> Double {
        var low = 1e-3
        var high = 1e12
        for _ in 0..<40 {
            let middle = (low * high).squareRoot()
            let needed = variances.reduce(0) { sum, entry in
                entry.variance > middle
                    ? sum + entry.coefficients * 0.5 * log2Encoder(entry.variance / middle) : sum
            }
            if needed > bits { low = middle } else { high = middle }
        }
        return high
    }
}
