/// Which coefficients the synthesis of a window reads, and where they lie in a buffer no larger than the window and its
/// margins: a block a level, `[components][rows][columns]`, in the Mallat layout of one decomposition.
package struct WindowGeometry: Equatable, Sendable {
    /// One level of the synthesis.
    package struct Block: Equatable, Sendable {
        package let level: Int
        package let rows: SynthesisSpan
        package let columns: SynthesisSpan
        /// Floats before the block.
        let offset: Int

        var rowCount: Int { rows.computed.count }
        var columnCount: Int { columns.computed.count }
        /// Floats of one component.
        var planeCount: Int { rowCount * columnCount }

        /// Coefficients of a sub-band that the window depends on, counted from the sub-band's start; may be empty.
        package func needed(_ orientation: Orientation) -> (rows: Range<Int>, columns: Range<Int>) {
            switch orientation {
            case .horizontal: (rows.low, columns.high)
            case .vertical: (rows.high, columns.low)
            case .diagonal: (rows.high, columns.high)
            case .low: (rows.low, columns.low)
            }
        }

        /// Coefficients of a sub-band that the block has room for, and its part of the block.
        func quadrant(_ orientation: Orientation) -> (row: Int, column: Int, rows: Int, columns: Int) {
            let isHighRow = orientation == .vertical || orientation == .diagonal
            let isHighColumn = orientation == .horizontal || orientation == .diagonal
            return (
                isHighRow ? rows.lowCount : 0, isHighColumn ? columns.lowCount : 0,
                isHighRow ? rowCount - rows.lowCount : rows.lowCount,
                isHighColumn ? columnCount - columns.lowCount : columns.lowCount
            )
        }

        /// Place in a component's part of the block of a coefficient of a sub-band.
        func place(_ orientation: Orientation, row: Int, column: Int) -> Int {
            let quadrant = quadrant(orientation)
            return (quadrant.row + row - rows.start) * columnCount + quadrant.column + column - columns.start
        }
    }

    package let window: FrameWindow
    package let frame: WaveletGeometry
    package let components: Int
    /// From the finest level on, at least one; the low band is in the last.
    package let blocks: [Block]
    /// Floats of all blocks.
    package let count: Int

    /// The geometry of a window that was checked against the frame.
    package init(window: FrameWindow, frame: WaveletGeometry, components: Int) {
        self.window = window
        self.frame = frame
        self.components = components
        var (rows, columns) = (window.rowRange, window.columnRange)
        var blocks: [Block] = []
        var count = 0
        for level in 1...max(frame.levels, 1) {
            let size = frame.size(at: level - 1)
            let block = Block(
                level: level, rows: SynthesisSpan(needed: rows, size: size.rows),
                columns: SynthesisSpan(needed: columns, size: size.columns), offset: count)
            blocks.append(block)
            count += components * block.planeCount
            (rows, columns) = (block.rows.low, block.columns.low)
        }
        self.blocks = blocks
        self.count = count
    }

    /// The sub-bands that have coefficients of their own, with their blocks.
    package var subbands: [(block: Block, orientation: Orientation)] {
        blocks.flatMap { block in
            // a frame of one sample has no levels, and a block for its low band all the same
            let high: [Orientation] = block.level <= frame.levels ? [.horizontal, .vertical, .diagonal] : []
            return (high + (block.level == blocks.count ? [.low] : [])).map { (block, $0) }
        }
    }

    /// Tiles that own a sample or a needed coefficient of the window, rising.
    func tiles(_ grid: TileGrid) -> [Int] {
        var isNeeded = [Bool](repeating: false, count: grid.count)
        let mark = { (rows: [Int], columns: [Int]) in
            for row in rows { for column in columns { isNeeded[row * grid.tileColumns + column] = true } }
        }
        mark(
            (0..<grid.tileRows).filter { grid.rowRange($0 * grid.tileColumns).overlaps(window.rowRange) },
            (0..<grid.tileColumns).filter { grid.columnRange($0).overlaps(window.columnRange) })
        for (block, orientation) in subbands {
            let level = orientation == .low ? frame.levels : block.level
            let size = size(orientation, level: level)
            let (rows, columns) = block.needed(orientation)
            mark(
                Self.owners(rows, count: grid.tileRows, level: level, size: size.rows),
                Self.owners(columns, count: grid.tileColumns, level: level, size: size.columns))
        }
        return isNeeded.indices.filter { isNeeded[$0] }
    }

    private static func owners(_ needed: Range<Int>, count: Int, level: Int, size: Int) -> [Int] {
        (0..<count).filter { TileGrid.span(index: $0, count: count, level: level, size: size).overlaps(needed) }
    }

    /// Rows and columns of a sub-band of the frame.
    private func size(_ orientation: Orientation, level: Int) -> (rows: Int, columns: Int) {
        guard orientation != .low else { return frame.size(at: level) }
        let (inner, outer) = (frame.size(at: level), frame.size(at: level - 1))
        return (
            orientation == .horizontal ? inner.rows : outer.rows - inner.rows,
            orientation == .vertical ? inner.columns : outer.columns - inner.columns
        )
    }
}
