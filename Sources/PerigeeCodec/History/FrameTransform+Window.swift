import PerigeeCore

extension FrameTransform {
    /// Adds what the predictions of the `chosen` tiles say to what a window needs of a frame's coefficients: bit for bit what
    /// `apply` adds there to the whole frame's.
    func apply(
        _ predictions: [TilePrediction?], _ chosen: [Int], of reference: FrameReference, to window: inout WindowPlanes,
        choice: SpectralChoice, model: PredictionModel
    ) throws(CodecError) {
        try check(reference)
        for offset in Set(predictions.compactMap { $0?.offset }) {
            let moved = zip(chosen, predictions).filter { $0.1?.offset == offset }
            let known = try coefficients(
                of: reference, offset: offset, choice: choice, tiles: moved.map(\.0), in: window.geometry)
            for (tile, prediction) in moved {
                let layout = TileLayout(grid: spectral.grid, tile: tile, levels: levels, components: bands)
                prediction?.add(to: &window, of: known, layout, model: model)
            }
        }
    }

    /// What a window needs of a reference's coefficients, under the bases of these tiles. Bands go through the wavelet whole, one after
    /// another, since the coarsest coefficients depend on all samples; nothing else is made that lies beside the window.
    private func coefficients(
        of reference: FrameReference, offset: TilePrediction.Offset, choice: SpectralChoice, tiles: [Int],
        in geometry: WindowGeometry
    ) throws(CodecError) -> WindowPlanes {
        var part = WindowPlanes(geometry)
        let (rows, columns) = (reference.values.rows, reference.values.columns)
        for band in 0..<bands {
            let values = reference.values.values[band * rows * columns..<(band + 1) * rows * columns]
            var plane = Planes(components: 1, rows: rows, columns: columns, values: Array(values))
            if offset != .none { plane.move(offset) }
            wavelet.forward(&plane)
            part.take(plane, 0, as: band)
        }
        spectral.forward(&part, try bases(of: choice, tiles: tiles), tiles: tiles)
        return part
    }
}
