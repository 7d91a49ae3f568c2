/// How one tile is predicted from the reference of its frame. Source: Docs/packet-format.md, section 5.12.
package struct TilePrediction: Equatable, Sendable {
    /// Rows and columns that the reference is moved by at most.
    package static let offsetLimit = 2
    /// Index of the profile of weights, 0 to 7.
    package var profile = 0
    /// Quarters that stand for the profile's weights, `[10 levels][6 classes]`; nil: the profile's own.
    package var quarters: [UInt8]?
    /// Where the finer levels are predicted; nil: everywhere.
    package var map: BlockMap?
    /// The reference's sample at (row + offset.row, column + offset.column) predicts the one at (row, column).
    package var offset = Offset(row: 0, column: 0)

    /// The first profile as it is.
    package init() {}

    package struct Offset: Hashable, Sendable {
        package var row: Int
        package var column: Int
        static let none = Offset(row: 0, column: 0)

        package init(row: Int, column: Int) { (self.row, self.column) = (row, column) }
    }

    /// Blocks of a tile, square but for those of the last row and column.
    package struct BlockMap: Equatable, Sendable {
        /// Sides are 16, 32, 64 or 128 samples.
        static let sizes = 4
        package let sizeIndex: Int
        package let rows: Int
        package let columns: Int
        /// Whether each block is predicted, row by row.
        package var isOn: [Bool]

        /// Log2 of the side in samples; also the coarsest level that the map acts on.
        var level: Int { 4 + sizeIndex }

        /// A map of a tile of this many samples, all on.
        package init(sizeIndex: Int, tileRows: Int, tileColumns: Int) {
            self.sizeIndex = sizeIndex
            let side = 16 << sizeIndex
            rows = (tileRows + side - 1) / side
            columns = (tileColumns + side - 1) / side
            isOn = [Bool](repeating: true, count: rows * columns)
        }

        /// Whether the blocks hold the coefficient at this place of a tile's part of a sub-band of `level`.
        func isOn(row: Int, column: Int, level: Int) -> Bool {
            let shift = self.level - level
            return isOn[min(row >> shift, rows - 1) * columns + min(column >> shift, columns - 1)]
        }
    }

    /// What the reference's coefficients are multiplied by.
    func weight(level: Int, componentClass: Int, model: PredictionModel) -> Float {
        let sixteenths =
            quarters.map { 4 * $0[level * PredictionModel.classCount + componentClass] }
            ?? model.weight(profile: profile, level: level, componentClass: componentClass)
        return Float(sixteenths) * 0.0625
    }

    /// As above for a sub-band's level.
    private func weight(_ band: Subband, component: Int, model: PredictionModel) -> Float {
        weight(
            level: min(band.spectralLevel, PredictionModel.levelCount - 1),
            componentClass: ContextTables.componentClass(component), model: model)
    }

    /// Adds `sign` (1 or -1) times the prediction to a tile's coefficients of a frame. Both are `[components][rows][columns]`
    /// in Mallat layout; `reference` has this prediction's offset. Strict: one product and one sum, each rounded.
    func add(
        _ sign: Float, to planes: UnsafeMutablePointer<Float>, of reference: UnsafePointer<Float>, _ layout: TileLayout,
        rows: Int, columns: Int, model: PredictionModel
    ) {
        for component in 0..<layout.components {
            for band in layout.subbands where band.rows > 0 && band.columns > 0 {
                let weight = sign * weight(band, component: component, model: model)
                guard weight != 0 else { continue }
                for row in 0..<band.rows {
                    let start = (component * rows + band.frameRow + row) * columns + band.frameColumn
                    add(weight, to: planes + start, reference + start, band, row: row, columns: 0..<band.columns)
                }
            }
        }
    }

    /// Adds the prediction to what a window needs of a tile's coefficients.
    func add(to window: inout WindowPlanes, of reference: WindowPlanes, _ layout: TileLayout, model: PredictionModel) {
        let geometry = window.geometry
        window.values.withUnsafeMutableBufferPointer { target in
            reference.values.withUnsafeBufferPointer { source in
                guard let target = target.baseAddress, let source = source.baseAddress else { return }
                for part in geometry.parts(of: layout) {
                    for component in 0..<layout.components {
                        let weight = weight(part.band, component: component, model: model)
                        guard weight != 0 else { continue }
                        for row in part.rows {
                            let start =
                                part.start + component * part.block.planeCount
                                + (row - part.rows.lowerBound) * part.block.columnCount
                            add(weight, to: target + start, source + start, part.band, row: row, columns: part.columns)
                        }
                    }
                }
            }
        }
    }

    /// Some columns of a row of a sub-band; the pointers are to the first of them.
    private func add(
        _ weight: Float, to target: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, _ band: Subband,
        row: Int, columns: Range<Int>
    ) {
        guard let map, band.level <= map.level else {
            for index in 0..<columns.count { target[index] += weight * source[index] }
            return
        }
        let shift = map.level - band.level
        let first = min(row >> shift, map.rows - 1) * map.columns
        for index in 0..<columns.count
        where map.isOn[first + min((columns.lowerBound + index) >> shift, map.columns - 1)] {
            target[index] += weight * source[index]
        }
    }
}
