import PerigeeConcurrency
import PerigeeCore

/// Codes what is missing from a synthesis, tile by tile, and looks whether the bounds hold.
final class ResidualEncoder: Sendable {
    private let lanes: ResidualLanes

    init(grid: TileGrid, bands: Int, lanes: Lanes) {
        self.lanes = ResidualLanes(grid: grid, bands: bands, lanes: lanes)
    }

    /// Octets of each tile. `synthesis` has the shape of `original`. Throws where a decoded sample would leave its bound.
    func encode(
        _ original: Samples, synthesis: Samples, raster: ResidualRaster, bounds: [Double]
    ) throws(CodecError) -> [[UInt8]] {
        let grid = lanes.grid
        var tiles = [[UInt8]](repeating: [], count: grid.count)
        var beyond = [Int](repeating: 0, count: grid.count)
        original.bytes.withUnsafeBytes { original in
            synthesis.bytes.withUnsafeBytes { synthesis in
                tiles.withUnsafeMutableBufferPointer { tiles in
                    beyond.withUnsafeMutableBufferPointer { beyond in
                        // Each body writes the elements of its own tile, and all end before this closure does.
                        nonisolated(unsafe) let (tiles, beyond) = (tiles, beyond)
                        nonisolated(unsafe) let (original, synthesis) = (original, synthesis)
                        lanes.forEach(Array(0..<grid.count)) { tile, coder in
                            guard let original = original.baseAddress, let synthesis = synthesis.baseAddress
                            else { return }
                            let task = Task(
                                original: original, synthesis: synthesis, raster: raster, bounds: bounds,
                                area: ResidualRaster.Area(
                                    rows: grid.rowRange(tile), columns: grid.columnRange(tile)))
                            (tiles[tile], beyond[tile]) = task.encode(coder)
                        }
                    }
                }
            }
        }
        let count = beyond.reduce(0, +)
        guard count == 0 else {
            throw .unusable(
                field: "error bound", found: "exceeded at \(count) samples of \(raster.type.name)",
                expected: "a bound that samples of this size can be rounded to: raise it, or code the frame verbatim")
        }
        return tiles
    }

    /// One tile of a frame.
    private struct Task {
        let original: UnsafeRawPointer
        let synthesis: UnsafeRawPointer
        let raster: ResidualRaster
        let bounds: [Double]
        let area: ResidualRaster.Area

        /// Octets, and how many samples they leave beyond their bounds.
        func encode(_ tile: ResidualTile) -> (octets: [UInt8], beyond: Int) {
            var capacity = 1_024 + area.rows.count * area.columns.count * bounds.count * raster.type.size
            while true {
                var beyond = 0
                var size = 0
                let octets = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
                    guard let base = buffer.baseAddress else { return }
                    var coder = BinaryEncoder(octets: base, capacity: capacity)
                    beyond = encode(tile, with: &coder)
                    coder.finish()
                    size = coder.count
                    initialized = min(size, capacity)
                }
                if size <= capacity { return (octets, beyond) }
                capacity = size
                tile.workspace.start()
            }
        }

        private func encode(_ tile: ResidualTile, with coder: inout BinaryEncoder) -> Int {
            let workspace = tile.workspace
            guard let numbers = workspace.numbers.baseAddress else { return 0 }
            var beyond = 0
            for index in bounds.indices where raster.load(index, area, synthesis: synthesis, into: workspace) {
                let count = area.columns.count
                for (line, row) in area.rows.enumerated() {
                    raster.numbers[index].read(
                        original + raster.offset(band: index, row: row, column: area.columns.lowerBound), count: count,
                        into: numbers + line * count)
                }
                let band = raster.band(index)
                let choice = ResidualAnalysis.choose(
                    band, rows: tile.rows, columns: tile.columns, workspace: workspace)
                _ = tile.code(band, choice, with: &coder)
                beyond += check(band, workspace)
            }
            return beyond
        }

        /// Valid samples that lie farther from the original than the bound, as they will be decoded.
        private func check(_ band: ResidualTile.Band, _ workspace: ResidualWorkspace) -> Int {
            var beyond = 0
            let count = area.columns.count
            let bound = bounds[band.index]
            withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { sample in
                guard let sample = sample.baseAddress else { return }
                for (line, row) in area.rows.enumerated() {
                    let start = raster.offset(band: band.index, row: row, column: area.columns.lowerBound)
                    for place in 0..<count where !band.hasMask || workspace.valid[line * count + place] != 0 {
                        band.numbers.write(workspace.numbers[line * count + place], to: sample)
                        let decoded = ResidualNumbers.value(sample, type: raster.type)
                        let wanted = ResidualNumbers.value(
                            original + start + place * raster.type.size, type: raster.type)
                        if !((decoded - wanted).magnitude <= bound) { beyond += 1 }
                    }
                }
            }
            return beyond
        }
    }
}
