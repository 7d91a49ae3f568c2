/// Predicts residuals of a row from known neighbours by weights that least squares fit to the rows before.
/// Source: Docs/packet-format.md section 5.11, "Features" and "Weights".
final class ResidualPredictor {
    static let featureLimit = 43
    /// Features of the row itself: the residuals two samples and one sample before.
    static let sequentialCount = 2
    private static let blockLimit = 64
    private static let clip: Int32 = 1_023

    /// One feature of a row: where its first number stands, and whether the synthesis here is to be taken off.
    struct Feature {
        let base: UnsafePointer<Int32>
        let isSlope: Bool
    }

    private let columns: Int
    /// p of each column without the features of the row itself.
    let predictions: UnsafeMutableBufferPointer<Float>
    private let scaled: UnsafeMutableBufferPointer<Int16>
    private let target: UnsafeMutableBufferPointer<Int16>
    private let block: UnsafeMutableBufferPointer<Int64>
    private let sums: UnsafeMutableBufferPointer<Double>
    private let solver = LeastSquares(limit: ResidualPredictor.featureLimit)
    private(set) var weights = [Float](repeating: 0, count: ResidualPredictor.featureLimit)
    private var count = 0
    private var blockSamples = 0

    init(columns: Int) {
        self.columns = columns
        predictions = .allocate(capacity: columns)
        predictions.initialize(repeating: 0)
        scaled = .allocate(capacity: columns * Self.featureLimit)
        scaled.initialize(repeating: 0)
        target = .allocate(capacity: columns)
        target.initialize(repeating: 0)
        block = .allocate(capacity: (Self.featureLimit + 1) * Self.featureLimit)
        sums = .allocate(capacity: (Self.featureLimit + 1) * Self.featureLimit)
    }

    deinit {
        predictions.deallocate()
        scaled.deallocate()
        target.deallocate()
        block.deallocate()
        sums.deallocate()
    }

    /// Begins a band with `count` features.
    func start(count: Int) {
        self.count = count
        blockSamples = 0
        block.initialize(repeating: 0)
        sums.initialize(repeating: 0)
        for index in weights.indices { weights[index] = 0 }
    }

    /// Predictions of a row from all features but the last two, and those features scaled for `learn`. `synthesis` is the
    /// row itself; `isWide` where differences may leave 32 bits.
    func predict(
        _ features: [Feature], synthesis: UnsafePointer<Int32>, columns: Int, shift: Int32, isWide: Bool
    ) {
        guard let sum = predictions.baseAddress, let scaled = scaled.baseAddress else { return }
        for (index, feature) in features.enumerated() {
            let weight = weights[index]
            let row = scaled + index * self.columns
            let (base, isFirst) = (feature.base, index == 0)
            if feature.isSlope && isWide {
                let clip = Int64(ResidualWorkspace.clip)
                for x in 0..<columns {
                    let slope = Int64(base[x]) &- Int64(synthesis[x])
                    let value = Int32(truncatingIfNeeded: min(max(slope, -clip), clip))
                    let product = weight * Float(value)
                    sum[x] = isFirst ? product : sum[x] + product
                    row[x] = Int16(truncatingIfNeeded: min(max(value &>> shift, -Self.clip), Self.clip))
                }
            } else if feature.isSlope {
                for x in 0..<columns {
                    let value = base[x] &- synthesis[x]
                    let product = weight * Float(value)
                    sum[x] = isFirst ? product : sum[x] + product
                    row[x] = Int16(truncatingIfNeeded: min(max(value &>> shift, -Self.clip), Self.clip))
                }
            } else {
                for x in 0..<columns {
                    let value = base[x]
                    sum[x] += weight * Float(value)
                    row[x] = Int16(truncatingIfNeeded: min(max(value &>> shift, -Self.clip), Self.clip))
                }
            }
        }
    }

    /// Learns from a finished row of residuals, whose first stands at `residuals` behind two of the margin.
    func learn(
        residuals: UnsafePointer<Int32>, valid: UnsafePointer<UInt8>?, columns: Int, shift: Int32
    ) {
        guard let scaled = scaled.baseAddress, let target = target.baseAddress else { return }
        let before = scaled + (count - 2) * self.columns
        let last = scaled + (count - 1) * self.columns
        for x in 0..<columns {
            before[x] = Int16(truncatingIfNeeded: min(max(residuals[x - 2] &>> shift, -Self.clip), Self.clip))
            last[x] = Int16(truncatingIfNeeded: min(max(residuals[x - 1] &>> shift, -Self.clip), Self.clip))
            target[x] = Int16(truncatingIfNeeded: min(max(residuals[x] &>> shift, -Self.clip), Self.clip))
        }
        if let valid {
            for index in 0..<count {
                let row = scaled + index * self.columns
                for x in 0..<columns { row[x] = row[x] &* Int16(valid[x]) }
            }
        }
        accumulate(columns: columns)
        blockSamples += columns
        if blockSamples >= Self.blockLimit { solve() }
    }

    /// Adds the products of all pairs of features, and of each with the target. A row has fewer than 1,024 samples of at
    /// most 1,023, so its sums fit 32 bits.
    private func accumulate(columns: Int) {
        guard let scaled = scaled.baseAddress, let target = target.baseAddress, let block = block.baseAddress
        else { return }
        for first in 0..<count {
            let left = scaled + first * self.columns
            for second in 0...first {
                block[first * count + second] &+= Self.product(left, scaled + second * self.columns, columns)
            }
            block[count * count + first] &+= Self.product(left, target, columns)
        }
    }

    @inline(__always)
    private static func product(_ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>, _ count: Int) -> Int64 {
        var sum: Int32 = 0
        for x in 0..<count { sum &+= Int32(left[x]) &* Int32(right[x]) }
        return Int64(sum)
    }

    private func solve() {
        for first in 0..<count {
            for second in 0...first { fold(first * count + second) }
            fold(count * count + first)
        }
        blockSamples = 0
        guard let base = sums.baseAddress else { return }
        solver.solve(matrix: base, right: base + count * count, count: count) { solution in
            for index in 0..<count { weights[index] = Float(min(max(solution[index], -8), 8)) }
        }
    }

    private func fold(_ place: Int) {
        sums[place] = sums[place] * 0.90625 + Double(block[place])
        block[place] = 0
    }
}
