import PerigeeConcurrency
import PerigeeCore

/// Puts what is missing from a synthesis back.
final class ResidualDecoder: Sendable {
    private let lanes: ResidualLanes

    init(grid: TileGrid, bands: Int, lanes: Lanes) {
        self.lanes = ResidualLanes(grid: grid, bands: bands, lanes: lanes)
    }

    /// Writes the samples of the `chosen` tiles, whose octets may be cut anywhere, over the synthesis of `raster`, whose
    /// first sample has the place `origin` in the frame. Samples that the octets leave open are left.
    func decode(
        _ tiles: [[UInt8]], chosen: [Int], origin: (row: Int, column: Int), raster: ResidualRaster,
        samples: inout [UInt8]
    ) {
        let grid = lanes.grid
        samples.withUnsafeMutableBytes { samples in
            // Each body writes the samples of its own tile, and all end before this closure does.
            nonisolated(unsafe) let samples = samples
            lanes.forEach(chosen) { index, coder in
                let tile = chosen[index]
                guard !tiles[tile].isEmpty, let base = samples.baseAddress else { return }
                let (rows, columns) = (grid.rowRange(tile), grid.columnRange(tile))
                let area = ResidualRaster.Area(
                    rows: rows.lowerBound - origin.row..<rows.upperBound - origin.row,
                    columns: columns.lowerBound - origin.column..<columns.upperBound - origin.column)
                Self.decode(tiles[tile], coder, area, raster, samples: base)
            }
        }
    }

    private static func decode(
        _ octets: [UInt8], _ tile: ResidualTile, _ area: ResidualRaster.Area, _ raster: ResidualRaster,
        samples: UnsafeMutableRawPointer
    ) {
        octets.withUnsafeBufferPointer { octets in
            guard let base = octets.baseAddress else { return }
            var coder = BinaryDecoder(octets: base, count: octets.count)
            for index in raster.numbers.indices {
                guard raster.load(index, area, synthesis: samples, into: tile.workspace) else { continue }
                let decided = tile.code(raster.band(index), ResidualTile.Choice(), with: &coder)
                write(tile.workspace, index, decided, area, raster, samples: samples)
                if coder.isStopped { return }
            }
        }
    }

    private static func write(
        _ workspace: ResidualWorkspace, _ band: Int, _ decided: Int, _ area: ResidualRaster.Area,
        _ raster: ResidualRaster, samples: UnsafeMutableRawPointer
    ) {
        let count = area.columns.count
        let numbers = raster.numbers[band]
        let hasMask = raster.validity.mask(of: band) != nil
        for (line, row) in area.rows.enumerated() {
            let target = samples + raster.offset(band: band, row: row, column: area.columns.lowerBound)
            for place in 0..<count where line * count + place < decided {
                guard !hasMask || workspace.valid[line * count + place] != 0 else { continue }
                numbers.write(workspace.numbers[line * count + place], to: target + place * raster.type.size)
            }
        }
    }
}
