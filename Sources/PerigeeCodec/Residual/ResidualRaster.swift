import PerigeeConcurrency
import PerigeeCore

/// The samples that a residual stands on, and how they are numbered and masked: a whole frame, or a window of whole tiles.
struct ResidualRaster {
    let type: SampleType
    let rows: Int
    let columns: Int
    /// Index in the samples of each band in coding order.
    let codingOrder: [Int]
    /// By band in coding order.
    let numbers: [ResidualNumbers]
    let forbidden: [Int32?]
    let validity: Validity

    init(_ samples: Samples, bounds: [Double], codingOrder: [Int], nodata: Normalisation.Nodata?, validity: Validity) {
        type = samples.type
        rows = samples.rows
        columns = samples.columns
        self.codingOrder = codingOrder
        numbers = bounds.map { ResidualNumbers(type: samples.type, bound: $0) }
        forbidden = bounds.map { bound in
            guard bound > 0, case .integer(let value)? = nodata else { return nil }
            return value
        }
        self.validity = validity
    }

    /// Samples of a tile, counted from the raster's origin.
    struct Area {
        let rows: Range<Int>
        let columns: Range<Int>
    }

    func band(_ index: Int) -> ResidualTile.Band {
        ResidualTile.Band(
            index: index, numbers: numbers[index], forbidden: forbidden[index],
            hasMask: validity.mask(of: index) != nil)
    }

    /// Octets before a sample.
    @inline(__always)
    func offset(band: Int, row: Int, column: Int) -> Int {
        ((codingOrder[band] * rows + row) * columns + column) * type.size
    }

    /// Puts the synthesis and the mask of a band into the workspace. False where none of its samples is valid there.
    func load(
        _ band: Int, _ area: Area, synthesis: UnsafeRawPointer, into workspace: ResidualWorkspace
    ) -> Bool {
        guard let plane = workspace.synthesis.baseAddress, let valid = workspace.valid.baseAddress else { return false }
        if let mask = validity.mask(of: band) {
            var isAny = false
            for (line, row) in area.rows.enumerated() {
                for (place, column) in area.columns.enumerated() {
                    let here = mask[row * columns + column]
                    valid[line * area.columns.count + place] = here
                    isAny = isAny || here != 0
                }
            }
            guard isAny else { return false }
        }
        let margin = ResidualWorkspace.margin
        let stride = area.columns.count + 2 * margin
        for (line, row) in area.rows.enumerated() {
            numbers[band].read(
                synthesis + offset(band: band, row: row, column: area.columns.lowerBound), count: area.columns.count,
                into: plane + (line + margin) * stride + margin)
        }
        workspace.extendSynthesis(rows: area.rows.count, columns: area.columns.count)
        return true
    }
}

/// One workspace a lane, made when first needed and kept.
final class ResidualLanes: Sendable {
    private final class Holder: @unchecked Sendable {  // a lane runs one body at a time, and only it touches its holder
        var workspace: ResidualWorkspace?
    }

    let grid: TileGrid
    private let bands: Int
    private let lanes: Lanes
    private let holders: [Holder]

    init(grid: TileGrid, bands: Int, lanes: Lanes) {
        self.grid = grid
        self.bands = bands
        self.lanes = lanes
        holders = (0..<lanes.count).map { _ in Holder() }
    }

    /// Runs `body` for each index of `tiles`, with the workspace of its lane.
    func forEach(_ tiles: [Int], _ body: @escaping @Sendable (Int, ResidualTile) -> Void) {
        let (grid, bands, holders) = (grid, bands, holders)
        lanes.forEach(tiles.count) { lane, index in
            let (rows, columns) = (grid.rowRange(tiles[index]).count, grid.columnRange(tiles[index]).count)
            let holder = holders[lane]
            let workspace = holder.workspace ?? Self.workspace(grid, bands: bands)
            holder.workspace = workspace
            workspace.start()
            body(index, ResidualTile(rows: rows, columns: columns, workspace: workspace))
        }
    }

    private static func workspace(_ grid: TileGrid, bands: Int) -> ResidualWorkspace {
        let last = grid.count - 1
        return ResidualWorkspace(
            bands: bands, rows: max(grid.rowRange(0).count, grid.rowRange(last).count),
            columns: max(grid.columnRange(0).count, grid.columnRange(last).count))
    }
}
