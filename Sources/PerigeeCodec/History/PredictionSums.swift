/// Products of a tile's coefficients with those of its reference, by level, component and block: all that the choice of a
/// prediction is made from. Encoder only: it may be inexact.
struct PredictionSums {
    /// Sum of products with the reference, and of the reference's squares.
    struct Pair {
        var product = 0.0
        var square = 0.0

        static func += (left: inout Pair, right: Pair) {
            left.product += right.product
            left.square += right.square
        }

        /// Energy that a weight takes off.
        func gain(_ weight: Double) -> Double { weight * (2 * product - weight * square) }
    }

    /// One level of a tile, by blocks where a map may act on it.
    struct Level {
        /// 0 is the low band.
        let index: Int
        /// Coefficients of one component.
        let coefficients: Int
        /// Log2 of the side of the blocks in samples; nil: one block, which no map acts on.
        let blockLevel: Int?
        let rows: Int
        let columns: Int
        /// Energy of each component without prediction.
        var energies: [Double]
        /// `[rows * columns][components]`.
        var pairs: [Pair]
    }

    let components: Int
    private(set) var levels: [Level] = []

    /// Measures a tile; both are `[components][rows][columns]` in Mallat layout.
    init(
        _ current: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ layout: TileLayout, tileRows: Int,
        tileColumns: Int, rows: Int, columns: Int
    ) {
        components = layout.components
        let deepest = layout.subbands.first?.level ?? 0
        for index in 0...deepest {
            let parts = layout.subbands.filter { $0.spectralLevel == index && $0.rows > 0 && $0.columns > 0 }
            guard !parts.isEmpty else { continue }
            let blockLevel = index == 0 || index > 7 ? nil : max(4, index)
            let side = blockLevel.map { 1 << $0 } ?? max(tileRows, tileColumns)
            var level = Level(
                index: index, coefficients: parts.reduce(0) { $0 + $1.rows * $1.columns }, blockLevel: blockLevel,
                rows: (tileRows + side - 1) / side, columns: (tileColumns + side - 1) / side,
                energies: [Double](repeating: 0, count: components), pairs: [])
            level.pairs = [Pair](repeating: Pair(), count: level.rows * level.columns * components)
            for part in parts {
                for component in 0..<components {
                    level.add(
                        current, reference, part, component: component, of: components,
                        start: (component * rows + part.frameRow) * columns + part.frameColumn, stride: columns)
                }
            }
            levels.append(level)
        }
    }
}

extension PredictionSums.Level {
    fileprivate mutating func add(
        _ current: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ band: Subband, component: Int,
        of components: Int, start: Int, stride: Int
    ) {
        let shift = blockLevel.map { $0 - band.level }
        let width = shift.map { 1 << $0 } ?? band.columns
        for row in 0..<band.rows {
            let first = shift.map { min(row >> $0, rows - 1) * columns } ?? 0
            let place = start + row * stride
            var column = 0
            var block = 0
            while column < band.columns {
                let end = block == columns - 1 ? band.columns : min(band.columns, column + width)
                let sums = PredictionSums.sums(
                    current + place + column, reference + place + column, count: end - column)
                energies[component] += Double(sums.x)
                pairs[(first + block) * components + component] += PredictionSums.Pair(
                    product: Double(sums.y), square: Double(sums.z))
                column = end
                block += 1
            }
        }
    }

    /// The level's pairs by component, of the blocks that a map lets through.
    func total(_ map: TilePrediction.BlockMap?) -> [PredictionSums.Pair] {
        let components = energies.count
        var total = [PredictionSums.Pair](repeating: .init(), count: components)
        for row in 0..<rows {
            for column in 0..<columns {
                if let map, let blockLevel, blockLevel <= map.level,
                    !map.isOn(row: row, column: column, level: blockLevel)
                {
                    continue
                }
                let first = (row * columns + column) * components
                for index in 0..<components { total[index] += pairs[first + index] }
            }
        }
        return total
    }
}

extension PredictionSums {
    /// Energy, product and energy of the reference, eight at a time.
    static func sums(
        _ current: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, count: Int
    ) -> SIMD3<Float> {
        var (energy, product, square) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
        var index = 0
        while index + 8 <= count {
            let own = UnsafeRawPointer(current + index).loadUnaligned(as: SIMD8<Float>.self)
            let its = UnsafeRawPointer(reference + index).loadUnaligned(as: SIMD8<Float>.self)
            energy += own * own
            product += own * its
            square += its * its
            index += 8
        }
        var sums = SIMD3(energy.sum(), product.sum(), square.sum())
        while index < count {
            sums += SIMD3(
                current[index] * current[index], current[index] * reference[index], reference[index] * reference[index])
            index += 1
        }
        return sums
    }

    /// Mean squares of every component at every level under a prediction, with how many coefficients
    /// have each. nil: without any.
    func variances(
        _ prediction: TilePrediction?, model: PredictionModel
    ) -> [(coefficients: Double, variance: Double)] {
        variances { level, component, pair in
            guard let prediction else { return 0 }
            return pair.gain(
                Double(
                    prediction.weight(
                        level: min(level, PredictionModel.levelCount - 1),
                        componentClass: ContextTables.componentClass(component), model: model)))
        } map: {
            prediction?.map
        }
    }

    /// As above with the one weight of each component at each level that leaves least.
    var leastVariances: [(coefficients: Double, variance: Double)] {
        variances { _, _, pair in
            guard pair.square > 0, pair.product > 0 else { return 0 }
            return pair.gain(min(pair.product / pair.square, 1))
        } map: {
            nil
        }
    }

    private func variances(
        _ gain: (Int, Int, Pair) -> Double, map: () -> TilePrediction.BlockMap?
    ) -> [(coefficients: Double, variance: Double)] {
        let map = map()
        return levels.flatMap { level in
            level.total(map).enumerated().map { component, pair in
                let left = max(level.energies[component] - gain(level.index, component, pair), 0)
                return (Double(level.coefficients), left / Double(level.coefficients))
            }
        }
    }
}
