/// Which filters made a sub-band; in the document HL, LH, HH and LL.
package enum Orientation: Int, Sendable {
    /// High along the columns' axis (left to right), low along the rows'.
    case horizontal = 0
    /// Low left to right, high top to bottom.
    case vertical = 1
    case diagonal = 2
    case low = 3
}

/// The part of one sub-band that belongs to one tile: where it lies in the frame's coefficients and in the workspace.
/// Trivial, so that kernels read it through a pointer.
struct Subband {
    /// Wavelet level, 1 the finest; the low band has the coarsest level.
    var level: Int
    var orientation: Int
    var rows: Int
    var columns: Int
    /// First row and column in the frame's coefficients (Mallat layout).
    var frameRow: Int
    var frameColumn: Int
    /// Elements from one row to the next in the workspace.
    var stride: Int
    /// Element of the first coefficient in a component's part of the workspace.
    var offset: Int
    /// Indices of sub-bands in the tile's list, -1 where there is none or it is empty.
    var firstSibling: Int
    var secondSibling: Int
    /// The sub-band of the next finer level (for the low band: of the same level) whose parent this one is.
    var child: Int
    /// 0 for the diagonal sub-band of the finest level, counting towards the low band.
    var rank: Int
}

/// The sub-bands of one tile, coarse to fine: low, then horizontal, vertical, diagonal of each level. Empty ones stay in
/// the list, so that positions do not depend on the tile's shape.
struct TileLayout {
    /// Zero elements around a sub-band in the workspace: contexts look two away, updates write up to eight at once.
    static let padding = 2

    let subbands: [Subband]
    let components: Int
    /// Elements of one component in the workspace, padding included.
    let componentSize: Int
    /// Coefficients of one component.
    let coefficientCount: Int

    init(grid: TileGrid, tile: Int, levels: Int, components: Int) {
        var builder = Builder(
            grid: grid, tileRow: tile / grid.tileColumns, tileColumn: tile % grid.tileColumns, levels: levels)
        builder.build()
        subbands = builder.subbands
        self.components = components
        componentSize = builder.end
        coefficientCount = builder.subbands.reduce(0) { $0 + $1.rows * $1.columns }
    }

    /// Rows or columns of the low band of each level, level 0 (the samples) first.
    static func sizes(_ size: Int, levels: Int) -> [Int] {
        var sizes = [size]
        for level in 0..<levels { sizes.append((sizes[level] + 1) / 2) }
        return sizes
    }

    private struct Builder {
        let grid: TileGrid
        let tileRow: Int
        let tileColumn: Int
        let levels: Int
        var subbands: [Subband] = []
        var end = 0

        mutating func build() {
            let rows = TileLayout.sizes(grid.rows, levels: levels)
            let columns = TileLayout.sizes(grid.columns, levels: levels)
            append(level: levels, .low, row: 0, column: 0, rows: rows[levels], columns: columns[levels])
            for level in stride(from: levels, to: 0, by: -1) {
                let (row, column) = (rows[level], columns[level])
                let (high, wide) = (rows[level - 1] - row, columns[level - 1] - column)
                append(level: level, .horizontal, row: 0, column: column, rows: row, columns: wide)
                append(level: level, .vertical, row: row, column: 0, rows: high, columns: column)
                append(level: level, .diagonal, row: row, column: column, rows: high, columns: wide)
            }
            end += 16  // eight-element updates of the last row reach this far
            for index in subbands.indices { link(index) }
        }

        private mutating func append(
            level: Int, _ orientation: Orientation, row: Int, column: Int, rows: Int, columns: Int
        ) {
            let rowSpan = TileGrid.span(index: tileRow, count: grid.tileRows, level: level, size: rows)
            let columnSpan = TileGrid.span(index: tileColumn, count: grid.tileColumns, level: level, size: columns)
            let padding = TileLayout.padding
            let stride = columnSpan.count + 2 * padding
            subbands.append(
                Subband(
                    level: level, orientation: orientation.rawValue, rows: rowSpan.count, columns: columnSpan.count,
                    frameRow: row + rowSpan.lowerBound, frameColumn: column + columnSpan.lowerBound, stride: stride,
                    offset: end + padding * stride + padding, firstSibling: -1, secondSibling: -1, child: -1,
                    rank: 3 * levels - subbands.count))
            end += (rowSpan.count + 2 * padding + 2) * stride
        }

        private mutating func link(_ index: Int) {
            let band = subbands[index]
            if band.orientation == Orientation.low.rawValue {
                if levels > 0 { subbands[index].child = 1 }
                return
            }
            let first = index - band.orientation
            let siblings = (0..<3).map { first + $0 }.filter { $0 != index }
            subbands[index].firstSibling = siblings[0]
            subbands[index].secondSibling = siblings[1]
            if band.level > 1 { subbands[index].child = index + 3 }
        }
    }
}
