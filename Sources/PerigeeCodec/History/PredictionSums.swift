/// Products of a tile's coefficients with those of its reference, by level, class of components and block: all that the
/// choice of a prediction is made from. Encoder only: it may be inexact.
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
        /// Log2 of the side of the blocks in samples; nil: one block, which no map acts on.
        let blockLevel: Int?
        let rows: Int
        let columns: Int
        /// `[rows * columns][classes]`.
        var pairs: [Pair]
    }

    static let classes = PredictionModel.classCount
    private(set) var levels: [Level] = []

    /// Measures a tile; both are `[components][rows][columns]` in Mallat layout.
    init(
        _ current: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ layout: TileLayout, tileRows: Int,
        tileColumns: Int, rows: Int, columns: Int
    ) {
        let deepest = layout.subbands.first?.level ?? 0
        for index in 0...deepest {
            let parts = layout.subbands.filter { $0.spectralLevel == index && $0.rows > 0 && $0.columns > 0 }
            guard !parts.isEmpty else { continue }
            let blockLevel = index == 0 || index > 7 ? nil : max(4, index)
            let side = blockLevel.map { 1 << $0 } ?? max(tileRows, tileColumns)
            var level = Level(
                index: min(index, PredictionModel.levelCount - 1), blockLevel: blockLevel,
                rows: (tileRows + side - 1) / side, columns: (tileColumns + side - 1) / side, pairs: [])
            level.pairs = [Pair](repeating: Pair(), count: level.rows * level.columns * Self.classes)
            for part in parts {
                for component in 0..<layout.components {
                    level.add(
                        current, reference, part, componentClass: ContextTables.componentClass(component),
                        start: (component * rows + part.frameRow) * columns + part.frameColumn, stride: columns)
                }
            }
            levels.append(level)
        }
    }
}

extension PredictionSums.Level {
    fileprivate mutating func add(
        _ current: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ band: Subband, componentClass: Int,
        start: Int, stride: Int
    ) {
        let shift = blockLevel.map { $0 - band.level }
        let width = shift.map { 1 << $0 } ?? band.columns
        for row in 0..<band.rows {
            let first = shift.map { min(row >> $0, rows - 1) * columns } ?? 0
            var column = 0
            var block = 0
            while column < band.columns {
                let end = block == columns - 1 ? band.columns : min(band.columns, column + width)
                var (product, square): (Float, Float) = (0, 0)
                let place = start + row * stride
                for index in place + column..<place + end {
                    product += current[index] * reference[index]
                    square += reference[index] * reference[index]
                }
                pairs[(first + block) * PredictionSums.classes + componentClass] +=
                    PredictionSums.Pair(product: Double(product), square: Double(square))
                column = end
                block += 1
            }
        }
    }

    /// The level's pairs by class, of the blocks that a map lets through.
    func total(_ map: TilePrediction.BlockMap?) -> [PredictionSums.Pair] {
        var total = [PredictionSums.Pair](repeating: .init(), count: PredictionSums.classes)
        for row in 0..<rows {
            for column in 0..<columns {
                if let map, let blockLevel, blockLevel <= map.level,
                    !map.isOn(row: row, column: column, level: blockLevel)
                {
                    continue
                }
                let first = (row * columns + column) * PredictionSums.classes
                for index in 0..<PredictionSums.classes { total[index] += pairs[first + index] }
            }
        }
        return total
    }
}
