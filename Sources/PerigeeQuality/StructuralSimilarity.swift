import Glibc
import PerigeeCore

/// SSIM (Wang et al. 2004) of one band: Gaussian window of 11 x 11, sigma 1.5; averages over the valid samples of a window;
/// borders mirrored with the border sample repeated; mean over valid centres at least five samples from the border, where
/// the band has more than ten samples in that direction.
enum StructuralSimilarity {
    private static let radius = 5
    private static let weights: [Double] = {
        let raw = (-radius...radius).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
        let sum = raw.reduce(0, +)
        return raw.map { $0 / sum }
    }()

    /// The mean, nil where no centre is valid.
    static func mean(_ pair: BandPair, peak: Double) -> Double? {
        guard pair.validCount > 0 else { return nil }
        let count = pair.rows * pair.columns
        let isWhole = pair.validCount == count
        func average(_ product: (Int) -> Double) -> [Double] {
            filter(
                [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
                    for index in 0..<count { buffer[index] = product(index) }
                    initialized = count
                }, rows: pair.rows, columns: pair.columns)
        }
        let (x, y) = (pair.original, pair.other)
        let weight = isWhole ? [] : average { pair.isValid[$0] ? 1 : 0 }
        let meanX = average { x[$0] }
        let meanY = average { y[$0] }
        let squareX = average { x[$0] * x[$0] }
        let squareY = average { y[$0] * y[$0] }
        let product = average { x[$0] * y[$0] }
        let (c1, c2) = ((0.01 * peak) * (0.01 * peak), (0.03 * peak) * (0.03 * peak))
        let rowRange = inner(pair.rows)
        let columnRange = inner(pair.columns)
        var (sum, valid) = (0.0, 0)
        for row in rowRange {
            for index in row * pair.columns + columnRange.lowerBound..<row * pair.columns + columnRange.upperBound {
                guard pair.isValid[index] else { continue }
                let share = isWhole ? 1 : weight[index]
                let (mx, my) = (meanX[index] / share, meanY[index] / share)
                let varianceX = squareX[index] / share - mx * mx
                let varianceY = squareY[index] / share - my * my
                let covariance = product[index] / share - mx * my
                sum +=
                    (2 * mx * my + c1) * (2 * covariance + c2)
                    / ((mx * mx + my * my + c1) * (varianceX + varianceY + c2))
                valid += 1
            }
        }
        return valid > 0 ? sum / Double(valid) : nil
    }

    private static func inner(_ size: Int) -> Range<Int> { size > 2 * radius ? radius..<size - radius : 0..<size }

    /// Separable Gaussian average with mirrored borders.
    private static func filter(_ values: [Double], rows: Int, columns: Int) -> [Double] {
        let along = columns == 1 ? values : filterRows(values, rows: rows, columns: columns)
        return rows == 1 ? along : filterColumns(along, rows: rows, columns: columns)
    }

    private static func filterRows(_ values: [Double], rows: Int, columns: Int) -> [Double] {
        var result = [Double](repeating: 0, count: values.count)
        let mirror = (-radius..<columns + radius).map { reflect($0, columns) }
        var padded = [Double](repeating: 0, count: mirror.count)
        for row in 0..<rows {
            for (index, column) in mirror.enumerated() { padded[index] = values[row * columns + column] }
            accumulate(into: &result, at: row * columns, count: columns, from: padded) { $0 }
        }
        return result
    }

    private static func filterColumns(_ values: [Double], rows: Int, columns: Int) -> [Double] {
        var result = [Double](repeating: 0, count: values.count)
        for row in 0..<rows {
            accumulate(into: &result, at: row * columns, count: columns, from: values) {
                reflect(row + $0 - radius, rows) * columns
            }
        }
        return result
    }

    /// Adds the weighted runs of `source` that start at `start(tap)`.
    private static func accumulate(
        into result: inout [Double], at offset: Int, count: Int, from source: [Double], start: (Int) -> Int
    ) {
        result.withUnsafeMutableBufferPointer { target in
            source.withUnsafeBufferPointer { source in
                for (tap, weight) in weights.enumerated() {
                    let from = start(tap)
                    for index in 0..<count { target[offset &+ index] += weight * source[from &+ index] }
                }
            }
        }
    }

    /// Index into 0..<length of a position mirrored at both borders as often as needed.
    private static func reflect(_ position: Int, _ length: Int) -> Int {
        let period = 2 * length
        let folded = ((position % period) + period) % period
        return folded < length ? folded : period - 1 - folded
    }
}
