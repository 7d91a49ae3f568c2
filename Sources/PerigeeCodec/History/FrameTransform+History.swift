import PerigeeCore

// Prediction from history. Source: Docs/packet-format.md, section 5.12.
extension FrameTransform {
    /// Values of samples, invalid ones filled, and which are valid.
    func values(of samples: Samples) throws(CodecError) -> (values: Planes, validity: Validity) {
        let validity = try validity(of: samples)
        return (normalisation.values(of: samples, validity: validity, path: path), validity)
    }

    /// Values with the invalid ones filled.
    func filled(_ values: Planes, _ validity: Validity) -> Planes { normalisation.filled(values, validity) }

    /// Refuses a reference of frames of another shape.
    func check(_ reference: FrameReference) throws(CodecError) {
        let planes = reference.values
        guard (planes.components, planes.rows, planes.columns) == (bands, geometry.rows, geometry.columns) else {
            throw .mismatch(
                field: "reference", found: "[\(planes.components), \(planes.rows), \(planes.columns)]",
                expected: "[\(bands), \(geometry.rows), \(geometry.columns)]")
        }
    }

    /// Coefficients of the bands of a reference, moved by an offset; places beyond its border are those at the border.
    func bandCoefficients(
        of reference: FrameReference, offset: TilePrediction.Offset
    ) throws(CodecError) -> Planes {
        try check(reference)
        var planes = reference.values
        if offset != .none { planes.move(offset) }
        wavelet.forward(&planes)
        return planes
    }

    /// Coefficients of a reference under a frame's bases.
    func coefficients(
        of reference: FrameReference, offset: TilePrediction.Offset, choice: SpectralChoice
    ) throws(CodecError) -> Planes {
        var planes = try bandCoefficients(of: reference, offset: offset)
        spectral.forward(&planes, try bases(of: choice))
        return planes
    }

    /// Adds (`sign` 1) or takes off (-1) what the tiles' predictions say, to or from a frame's coefficients.
    package func apply(
        _ sign: Float, _ predictions: [TilePrediction?], of reference: FrameReference, to planes: inout Planes,
        choice: SpectralChoice, model: PredictionModel
    ) throws(CodecError) {
        for offset in Set(predictions.compactMap { $0?.offset }) {
            let known = try coefficients(of: reference, offset: offset, choice: choice)
            planes.values.withUnsafeMutableBufferPointer { target in
                known.values.withUnsafeBufferPointer { source in
                    guard let target = target.baseAddress, let source = source.baseAddress else { return }
                    for (tile, prediction) in predictions.enumerated() {
                        guard let prediction, prediction.offset == offset else { continue }
                        let layout = TileLayout(grid: spectral.grid, tile: tile, levels: levels, components: bands)
                        prediction.add(
                            sign, to: target, of: source, layout, rows: geometry.rows, columns: geometry.columns,
                            model: model)
                    }
                }
            }
        }
    }
}

extension Planes {
    /// The number at (row + offset.row, column + offset.column) goes to (row, column), the nearest one where there is none.
    mutating func move(_ offset: TilePrediction.Offset) {
        var moved = values
        for component in 0..<components {
            for row in 0..<rows {
                let source = (component * rows + min(max(row + offset.row, 0), rows - 1)) * columns
                let target = (component * rows + row) * columns
                for column in 0..<columns {
                    moved[target + column] = values[source + min(max(column + offset.column, 0), columns - 1)]
                }
            }
        }
        values = moved
    }
}
