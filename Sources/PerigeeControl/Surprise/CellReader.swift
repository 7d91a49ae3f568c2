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
        guard !features.bands.isEmpty, let frame = QuarterFrame(grid) else { return [:] }
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
        return views(sums, frame, inBlock: grid.samplesInBlock, features)
    }

    /// The earlier looks that a reference is made of as one, the first that shows a quarter of a block for it.
    public static func merged(_ looks: [[PlaceGrid.Cell: CellView]]) -> [PlaceGrid.Cell: CellView] {
        var merged = looks.first ?? [:]
        for look in looks.dropFirst() {
            for (cell, view) in look {
                if merged[cell] == nil { merged[cell] = view } else { merged[cell]?.fill(from: view) }
            }
        }
        return merged
    }

    /// The rectangle of quarters of blocks that a frame reaches, in whole cells.
    private struct QuarterFrame {
        let column: Int
        let row: Int
        let columns: Int
        let rows: Int
        /// As `PlaceGrid.matrix`, to quarters.
        let matrix: [Double]

        init?(_ grid: PlaceGrid) {
            let matrix = grid.matrix.map { 2 * $0 }
            self.matrix = matrix
            let corners = [
                (0.0, 0.0), (Double(grid.columns), 0), (0, Double(grid.rows)),
                (Double(grid.columns), Double(grid.rows)),
            ]
            let xs = corners.map { matrix[0] * $0.0 + matrix[1] * $0.1 + matrix[2] }
            let ys = corners.map { matrix[3] * $0.0 + matrix[4] * $0.1 + matrix[5] }
            let side = CellView.fineSide
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
        /// `[bands][quarters]`, bands as in `PlaceFeatures.all`.
        var sums: [Double]
        var counts: [Int32]

        func count(_ quarters: [Int]) -> Double { Double(quarters.reduce(0) { $0 + counts[$1] }) }

        func mean(_ slot: Int, _ quarters: [Int]) -> Double {
            quarters.reduce(0) { $0 + sums[slot * counts.count + $1] } / count(quarters)
        }
    }

    private static func sums(
        _ samples: Samples, _ frame: QuarterFrame, _ grid: PlaceGrid, _ features: PlaceFeatures, _ nodata: Double?,
        _ load: (UnsafeRawBufferPointer, Int) -> Double
    ) -> Sums {
        let bands = features.all
        let quarters = frame.columns * frame.rows
        var result = Sums(
            sums: Array(repeating: 0, count: bands.count * quarters), counts: Array(repeating: 0, count: quarters))
        let plane = samples.rows * samples.columns
        let matrix = frame.matrix
        let (size, step) = (samples.type.size, grid.step)
        // NaN equals nothing, so a nodata of NaN needs no test of its own below
        let missing = nodata ?? .nan
        var values = [Double](repeating: 0, count: bands.count)
        samples.bytes.withUnsafeBytes { octets in
            for row in stride(from: step / 2, to: samples.rows, by: step) {
                for column in stride(from: step / 2, to: samples.columns, by: step) {
                    let (x, y) = (Double(column) + 0.5, Double(row) + 0.5)
                    let across = Int((matrix[0] * x + matrix[1] * y + matrix[2]).rounded(.down)) - frame.column
                    let down = Int((matrix[3] * x + matrix[4] * y + matrix[5]).rounded(.down)) - frame.row
                    guard across >= 0, across < frame.columns, down >= 0, down < frame.rows else { continue }
                    let index = row * samples.columns + column
                    var isValid = true
                    for (slot, band) in bands.enumerated() {
                        let value = load(octets, (band * plane + index) * size)
                        isValid = isValid && value.isFinite && value != missing
                        values[slot] = value
                    }
                    guard isValid else { continue }
                    let quarter = down * frame.columns + across
                    result.counts[quarter] += 1
                    for slot in bands.indices { result.sums[slot * quarters + quarter] += values[slot] }
                }
            }
        }
        return result
    }

    /// Samples of a quarter that are looked at, below which it has no mean to speak of.
    private static let leastInQuarter = 16.0

    private static func views(
        _ sums: Sums, _ frame: QuarterFrame, inBlock: Double, _ features: PlaceFeatures
    ) -> [PlaceGrid.Cell: CellView] {
        let side = CellView.side
        let count = features.bands.count
        var views: [PlaceGrid.Cell: CellView] = [:]
        for row in 0..<frame.rows / 2 {
            for column in 0..<frame.columns / 2 {
                let first = 2 * row * frame.columns + 2 * column
                let quarters = [first, first + 1, first + frame.columns, first + frame.columns + 1]
                guard sums.count(quarters) >= max(inBlock / 2, 1) else { continue }
                let cell = PlaceGrid.Cell(
                    column: frame.column / (2 * side) + column / side, row: frame.row / (2 * side) + row / side)
                let (own, index) = (row % side, row % side * side + column % side)
                var view = views[cell] ?? CellView(features: count, hasHaze: features.haze != nil)
                for slot in 0..<count { view.values[slot][index] = features.value(sums.mean(slot, quarters)) }
                view.known[index] = true
                view.hazes?[index] = features.haze(
                    blue: sums.mean(count, quarters), red: sums.mean(count + 1, quarters))
                for (place, quarter) in quarters.enumerated()
                where inBlock / 4 >= leastInQuarter && sums.count([quarter]) >= inBlock / 8 {
                    let its = (2 * own + place / 2) * CellView.fineSide + 2 * (column % side) + place % 2
                    for slot in 0..<count { view.fine[slot][its] = features.value(sums.mean(slot, [quarter])) }
                    view.fineKnown[its] = true
                }
                views[cell] = view
            }
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
