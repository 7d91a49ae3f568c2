import PerigeeCore

/// Chooses how a tile is predicted: the weights and the map that take off most for what they cost. Encoder only.
struct PredictionSearch {
    let model: PredictionModel
    let levels: Int
    let components: Int
    let tileRows: Int
    let tileColumns: Int
    /// Distortion of a coefficient at the rate that the frame is aimed at.
    let threshold: Double

    /// What a bit is worth in distortion: the slope of the rate-distortion function, 2 ln 2 times the distortion.
    private var bitPrice: Double { 1.3862943611198906 * threshold }

    /// The best prediction from these sums, nil where none pays.
    func best(_ sums: PredictionSums) -> TilePrediction? {
        var best: (prediction: TilePrediction?, value: Double) = (nil, -bitPrice * cost(nil))
        for candidate in weights(sums, map: nil) where candidate.value > best.value {
            best = (candidate.prediction, candidate.value)
        }
        guard best.prediction != nil || tileRows > 16 || tileColumns > 16 else { return nil }
        for size in 0..<TilePrediction.BlockMap.sizes where max(tileRows, tileColumns) > 16 << size {
            guard let mapped = mapped(sums, sizeIndex: size, from: best.prediction) else { continue }
            if mapped.value > best.value { best = (mapped.prediction, mapped.value) }
        }
        return best.prediction
    }

    /// A map of blocks of one size with weights that suit it; nil where all blocks are alike.
    private func mapped(
        _ sums: PredictionSums, sizeIndex: Int, from start: TilePrediction?
    ) -> (prediction: TilePrediction, value: Double)? {
        var prediction = start ?? TilePrediction()
        var best: (prediction: TilePrediction, value: Double)?
        for _ in 0..<2 {
            var map = TilePrediction.BlockMap(sizeIndex: sizeIndex, tileRows: tileRows, tileColumns: tileColumns)
            var gains = [Double](repeating: 0, count: map.isOn.count)
            for level in sums.levels {
                guard let blockLevel = level.blockLevel, blockLevel <= map.level else { continue }
                let shift = map.level - blockLevel
                let weights = (0..<PredictionModel.classCount).map {
                    Double(prediction.weight(level: level.index, componentClass: $0, model: model))
                }
                for row in 0..<level.rows {
                    for column in 0..<level.columns {
                        let block =
                            min(row >> shift, map.rows - 1) * map.columns + min(column >> shift, map.columns - 1)
                        let first = (row * level.columns + column) * sums.components
                        for component in 0..<sums.components {
                            gains[block] += level.pairs[first + component].gain(
                                weights[ContextTables.componentClass(component)])
                        }
                    }
                }
            }
            map.isOn = gains.map { $0 > 0 }
            guard map.isOn.contains(true), map.isOn.contains(false) else { return best }
            guard let found = weights(sums, map: map).max(by: { $0.value < $1.value }) else { return best }
            if found.value > best?.value ?? -.infinity { best = found }
            prediction = found.prediction
        }
        return best
    }

    /// Every profile as it is, and the best two with weights of the tile's own.
    private func weights(
        _ sums: PredictionSums, map: TilePrediction.BlockMap?
    ) -> [(prediction: TilePrediction, value: Double)] {
        let totals = sums.levels.map { (min($0.index, PredictionModel.levelCount - 1), classes($0.total(map))) }
        var found = (0..<PredictionModel.profileCount).map { profile in
            var prediction = TilePrediction()
            (prediction.profile, prediction.map) = (profile, map)
            return (prediction: prediction, value: value(prediction, totals))
        }
        let best = found.sorted { $0.value > $1.value }.prefix(2).map(\.prediction)
        for var prediction in best {
            prediction.quarters = quarters(totals, profile: prediction.profile)
            found.append((prediction: prediction, value: value(prediction, totals)))
        }
        return found
    }

    /// Pairs of components as those of their classes.
    private func classes(_ pairs: [PredictionSums.Pair]) -> [PredictionSums.Pair] {
        var classes = [PredictionSums.Pair](repeating: .init(), count: PredictionModel.classCount)
        for (component, pair) in pairs.enumerated() { classes[ContextTables.componentClass(component)] += pair }
        return classes
    }

    private func value(_ prediction: TilePrediction, _ totals: [(Int, [PredictionSums.Pair])]) -> Double {
        var gain = 0.0
        for (level, pairs) in totals {
            for (index, pair) in pairs.enumerated() where pair.square > 0 {
                gain += pair.gain(Double(prediction.weight(level: level, componentClass: index, model: model)))
            }
        }
        return gain - bitPrice * cost(prediction)
    }

    /// The step of each weight that takes off most for its cost.
    private func quarters(_ totals: [(Int, [PredictionSums.Pair])], profile: Int) -> [UInt8] {
        var quarters = [UInt8](repeating: 0, count: PredictionModel.levelCount * PredictionModel.classCount)
        for (level, pairs) in totals {
            for (index, pair) in pairs.enumerated() {
                let near = Int(model.weight(profile: profile, level: level, componentClass: index) + 2) / 4
                let place = level * PredictionModel.classCount + index
                let cells = PredictionCell.weight + (place * PredictionModel.steps + near) * 4
                var best = (step: near, value: -Double.infinity)
                var bits = 0.0
                for step in 0..<PredictionModel.steps {
                    let isLast = step == PredictionModel.steps - 1
                    let probability = isLast ? 0 : Double(Cell.probability(model.cells[cells + step])) / 65_536
                    let value = pair.gain(Double(step) / 4) - bitPrice * (bits - log2Encoder(1 - probability))
                    if value > best.value { best = (step, value) }
                    if !isLast { bits -= log2Encoder(probability) }
                }
                quarters[place] = UInt8(best.step)
            }
        }
        return quarters
    }

    /// Bits that a prediction takes.
    private func cost(_ prediction: TilePrediction?) -> Double {
        var counter = BitCounter()
        var prediction = prediction
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: PredictionCell.count) { cells in
            _ = cells.initialize(fromContentsOf: model.cells)
            Cell.rates.withUnsafeBufferPointer { rates in
                PredictionCoder(
                    model: model, levels: levels, components: components, tileRows: tileRows,
                    tileColumns: tileColumns, cells: invariant(cells.baseAddress, "no cells"),
                    rates: invariant(rates.baseAddress, "no rates")
                ).code(&counter, &prediction)
            }
        }
        return counter.bits
    }
}

/// An encoder that writes nothing and adds up what its decisions cost.
private struct BitCounter: BinaryCoder {
    static let isDecoder = false
    var bits = 0.0
    var isStopped: Bool { false }
    var count: Int { 0 }

    mutating func enter(_ kind: DecisionKind) {}

    mutating func code(_ bit: Int, probability: UInt32) -> Int {
        bits -= log2Encoder(Double(bit != 0 ? probability : 65_536 - probability) / 65_536)
        return bit
    }
}
