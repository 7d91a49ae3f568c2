import Glibc
public import PerigeeCore

/// Means of blocks out of samples: the coarsest picture of each cell.
public enum CellReader {
    /// Cells of which a frame shows too many to be looked at one by one.
    public static let cellLimit = 16_384

    /// The cells that a frame shows, by where they lie; empty where there would be more than `cellLimit`.
    public static func cells(
        _ samples: Samples, grid: PlaceGrid, features: PlaceFeatures, nodata: Double?
    ) -> [PlaceGrid.Cell: CellView] {
        guard !features.bands.isEmpty, let frame = BlockFrame(grid) else { return [:] }
        let sums =
            switch samples.type {
            case .uint8:
                sums(samples, frame, grid, features, nodata) {
                    Double($0.loadUnaligned(fromByteOffset: $1, as: UInt8.self))
                }
            case .uint16:
                sums(samples, frame, grid, features, nodata) {
                    Double(UInt16(littleEndian: $0.loadUnaligned(fromByteOffset: $1, as: UInt16.self)))
                }
            case .int16:
                sums(samples, frame, grid, features, nodata) {
                    Double(Int16(littleEndian: $0.loadUnaligned(fromByteOffset: $1, as: Int16.self)))
                }
            case .int32:
                sums(samples, frame, grid, features, nodata) {
                    Double(Int32(littleEndian: $0.loadUnaligned(fromByteOffset: $1, as: Int32.self)))
                }
            case .float32:
                sums(samples, frame, grid, features, nodata) {
                    Double(
                        Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: $1, as: UInt32.self))))
                }
            }
        return views(sums, frame, least: grid.samplesInBlock / 2, features)
    }

    /// The rectangle of blocks that a frame reaches.
    private struct BlockFrame {
        let column: Int
        let row: Int
        let columns: Int
        let rows: Int

        init?(_ grid: PlaceGrid) {
            let matrix = grid.matrix
            let corners = [
                (0.0, 0.0), (Double(grid.columns), 0), (0, Double(grid.rows)),
                (Double(grid.columns), Double(grid.rows)),
            ]
            let xs = corners.map { matrix[0] * $0.0 + matrix[1] * $0.1 + matrix[2] }
            let ys = corners.map { matrix[3] * $0.0 + matrix[4] * $0.1 + matrix[5] }
            let side = CellView.side
            func cells(_ values: [Double]) -> Range<Int> {
                let low = Int(((values.min() ?? 0) / Double(side)).rounded(.down))
                let high = Int(((values.max() ?? 0) / Double(side)).rounded(.up))
                return low..<max(low + 1, high)
            }
            let (across, down) = (cells(xs), cells(ys))
            guard across.count <= CellReader.cellLimit / down.count else { return nil }
            (column, row) = (across.lowerBound * side, down.lowerBound * side)
            (columns, rows) = (across.count * side, down.count * side)
        }
    }

    private struct Sums {
        /// `[bands][blocks]`, bands as in `PlaceFeatures.all`.
        var sums: [Double]
        var counts: [Int32]
    }

    private static func sums(
        _ samples: Samples, _ frame: BlockFrame, _ grid: PlaceGrid, _ features: PlaceFeatures, _ nodata: Double?,
        _ load: (UnsafeRawBufferPointer, Int) -> Double
    ) -> Sums {
        let bands = features.all
        let blocks = frame.columns * frame.rows
        var result = Sums(
            sums: Array(repeating: 0, count: bands.count * blocks), counts: Array(repeating: 0, count: blocks))
        let plane = samples.rows * samples.columns
        let matrix = grid.matrix
        let (size, step) = (samples.type.size, grid.step)
        // NaN equals nothing, so a nodata of NaN needs no test of its own below
        let missing = nodata ?? .nan
        var values = [Double](repeating: 0, count: bands.count)
        samples.bytes.withUnsafeBytes { octets in
            for row in stride(from: step / 2, to: samples.rows, by: step) {
                for column in stride(from: step / 2, to: samples.columns, by: step) {
                    let (x, y) = (Double(column) + 0.5, Double(row) + 0.5)
                    let blockColumn = Int((matrix[0] * x + matrix[1] * y + matrix[2]).rounded(.down)) - frame.column
                    let blockRow = Int((matrix[3] * x + matrix[4] * y + matrix[5]).rounded(.down)) - frame.row
                    guard blockColumn >= 0, blockColumn < frame.columns, blockRow >= 0, blockRow < frame.rows else {
                        continue
                    }
                    let index = row * samples.columns + column
                    var isValid = true
                    for (slot, band) in bands.enumerated() {
                        let value = load(octets, (band * plane + index) * size)
                        isValid = isValid && value.isFinite && value != missing
                        values[slot] = value
                    }
                    guard isValid else { continue }
                    let block = blockRow * frame.columns + blockColumn
                    result.counts[block] += 1
                    for slot in bands.indices { result.sums[slot * blocks + block] += values[slot] }
                }
            }
        }
        return result
    }

    private static func views(
        _ sums: Sums, _ frame: BlockFrame, least: Double, _ features: PlaceFeatures
    ) -> [PlaceGrid.Cell: CellView] {
        let side = CellView.side
        let blocks = frame.columns * frame.rows
        let count = features.bands.count
        var views: [PlaceGrid.Cell: CellView] = [:]
        for block in 0..<blocks where Double(sums.counts[block]) >= max(least, 1) {
            let (row, column) = (block / frame.columns, block % frame.columns)
            let cell = PlaceGrid.Cell(column: frame.column / side + column / side, row: frame.row / side + row / side)
            let index = row % side * side + column % side
            var view = views[cell] ?? CellView(features: count, hasHaze: features.haze != nil)
            func mean(_ slot: Int) -> Double { sums.sums[slot * blocks + block] / Double(sums.counts[block]) }
            for slot in 0..<count { view.values[slot][index] = features.value(mean(slot)) }
            view.known[index] = true
            view.hazes?[index] = features.haze(blue: mean(count), red: mean(count + 1))
            views[cell] = view
        }
        markNeighbours(&views)
        return views
    }

    /// Blocks above this hold clouds or snow, not roofs.
    private static let cloudHaze = 0.1

    /// A cloud's shadow lies up to a cell away from it.
    private static func markNeighbours(_ views: inout [PlaceGrid.Cell: CellView]) {
        let clouded = views.filter { view in
            (view.value.hazes?.count { $0 > cloudHaze } ?? 0) * 16 >= CellView.blockCount
        }.map(\.key)
        for cell in clouded {
            for row in -1...1 {
                for column in -1...1 {
                    views[PlaceGrid.Cell(column: cell.column + column, row: cell.row + row)]?.isBesideClouds = true
                }
            }
        }
    }
}
