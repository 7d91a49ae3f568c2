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
    private static func moments(_ planes: Planes, _ subband: WaveletGeometry.Subband) -> [Double] {
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

    /// Covariance of all levels together.
    var total: [Double] {
        var total = [Double](repeating: 0, count: count * count)
        for level in levels {
            for index in total.indices { total[index] += level.covariance[index] * Double(level.coefficients) }
        }
        let all = Double(max(1, levels.reduce(0) { $0 + $1.coefficients }))
        return total.map { $0 / all }
    }

    /// The proxy by which bases are compared (codec notes: best at a step of 500): rate and distortion of a coefficient
    /// of variance v are like 1 + ln(v / t) above t, v / t below.
    static func cost(_ variances: [(coefficients: Double, variance: Double)]) -> Double {
        let threshold = 0.1 * 500 * 500
        return variances.reduce(0) { sum, entry in
            let ratio = entry.variance / threshold
            return sum + entry.coefficients * (ratio > 1 ? 1 + log2Encoder(ratio) * 0.6931471805599453 : ratio)
        }
    }

    /// Bits that coefficients cost where each may err by `distortion` (reverse water-filling).
    static func bits(_ variances: [(coefficients: Double, variance: Double)], distortion: Double) -> Double {
        variances.reduce(0) { sum, entry in
            entry.variance > distortion
                ? sum + entry.coefficients * 0.5 * log2Encoder(entry.variance / distortion) : sum
        }
    }

    /// The distortion at which `bits` is the budget.
    static func distortion(_ variances: [(coefficients: Double, variance: Double)], budget bits: Double) -> Double {
        var low = 1e-3
        var high = 1e12
        for _ in 0..<60 {
            let middle = (low * high).squareRoot()
            if Self.bits(variances, distortion: middle) > bits { low = middle } else { high = middle }
        }
        return high
    }
}
