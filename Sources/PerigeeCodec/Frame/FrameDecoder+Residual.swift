import PerigeeCore

// Samples of frames that have a residual layer. Source: Docs/packet-format.md section 5.11.
extension FrameTransform {
    /// Puts the residual of the `chosen` tiles back into `synthesis`, whose first sample has the place `origin` in the frame.
    func refine(
        _ synthesis: Samples, _ residual: ResidualLayer, with decoder: ResidualDecoder, chosen: [Int],
        origin: (row: Int, column: Int), validity: Validity
    ) throws(CodecError) -> Samples {
        var bytes = synthesis.bytes
        decoder.decode(
            residual.tiles, chosen: chosen, origin: origin,
            raster: raster(synthesis, bounds: residual.bounds, validity: validity), samples: &bytes)
        finish(&bytes, count: synthesis.rows * synthesis.columns, validity: validity)
        do throws(FormatError) {
            return try Samples(
                type: synthesis.type, bands: synthesis.bands, rows: synthesis.rows, columns: synthesis.columns,
                bytes: bytes)
        } catch { throw .format(error) }
    }
}

extension TileGrid {
    /// The tiles that hold samples of a window, and the window of all their samples.
    func cover(_ window: FrameWindow) -> (window: FrameWindow, tiles: [Int]) {
        let tiles = (0..<count).filter {
            rowRange($0).overlaps(window.rowRange) && columnRange($0).overlaps(window.columnRange)
        }
        guard let first = tiles.first, let last = tiles.last else { return (window, []) }
        let rows = rowRange(first).lowerBound..<rowRange(last).upperBound
        let columns = columnRange(first).lowerBound..<columnRange(last).upperBound
        return (
            FrameWindow(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count), tiles
        )
    }
}
