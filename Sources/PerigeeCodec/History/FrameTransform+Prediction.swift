package import PerigeeCore

/// A frame's coefficients without what its reference says of them.
package struct PredictedFrame {
    package let coefficients: Planes
    package let choice: SpectralChoice
    /// How each tile is predicted; nil where it is not.
    package let predictions: [TilePrediction?]
    /// The distortion that these coefficients are expected to have at the frame's budget, over that of the frame's own.
    let expectedShare: Double
}

// The encoder's choice of a prediction.
extension FrameTransform {
    /// As below from samples.
    package func predict(
        _ samples: Samples, from reference: FrameReference, budget: Int, model: PredictionModel
    ) throws(CodecError) -> PredictedFrame {
        try predict(
            bandCoefficients(samples, validity(of: samples)), from: reference, budgets: [budget], model: model)
    }

    /// Predicts a frame's band coefficients (`bandCoefficients`). Bases are chosen for what is left of them, then weights
    /// and maps of every tile. `given`: bases that are to be used instead.
    func predict(
        _ current: Planes, from reference: FrameReference, budgets: [Int], model: PredictionModel,
        given: SpectralChoice? = nil
    ) throws(CodecError) -> PredictedFrame {
        let known = try bandCoefficients(of: reference, offset: .none)
        var difference = current
        takeOff(known, from: &difference)
        let choice = if let given { given } else { try choose(difference, budgets: budgets) }
        let bases = try bases(of: choice)
        var (planes, predictor) = (current, known)
        spectral.forward(&planes, bases)
        spectral.forward(&predictor, bases)
        spectral.forward(&difference, bases)
        let bits = 8 * Double(budgets.last ?? 0)
        let threshold = SpectralAnalysis.distortion(variances(difference), budget: bits)
        let predictions = predictions(planes, predictor, threshold: threshold, model: model)
        let plain = SpectralAnalysis.distortion(variances(planes), budget: bits)
        subtract(predictions, of: predictor, from: &planes, model: model)
        let left = SpectralAnalysis.distortion(variances(planes), budget: bits)
        return PredictedFrame(
            coefficients: planes, choice: choice, predictions: predictions, expectedShare: left / max(plain, 1e-9))
    }

    private func predictions(
        _ planes: Planes, _ predictor: Planes, threshold: Double, model: PredictionModel
    ) -> [TilePrediction?] {
        (0..<spectral.grid.count).map { tile in
            let (grid, rows, columns) = (spectral.grid, geometry.rows, geometry.columns)
            let tileSize = (rows: grid.rowRange(tile).count, columns: grid.columnRange(tile).count)
            let layout = TileLayout(grid: grid, tile: tile, levels: levels, components: bands)
            let sums = planes.values.withUnsafeBufferPointer { current in
                predictor.values.withUnsafeBufferPointer { reference in
                    PredictionSums(
                        invariant(current.baseAddress, "no coefficients"),
                        invariant(reference.baseAddress, "no coefficients"), layout, tileRows: tileSize.rows,
                        tileColumns: tileSize.columns, rows: rows, columns: columns)
                }
            }
            return PredictionSearch(
                model: model, levels: levels, components: bands, tileRows: tileSize.rows,
                tileColumns: tileSize.columns, threshold: threshold
            ).best(sums)
        }
    }

    private func subtract(
        _ predictions: [TilePrediction?], of predictor: Planes, from planes: inout Planes, model: PredictionModel
    ) {
        planes.values.withUnsafeMutableBufferPointer { target in
            predictor.values.withUnsafeBufferPointer { source in
                guard let target = target.baseAddress, let source = source.baseAddress else { return }
                for (tile, prediction) in predictions.enumerated() {
                    let layout = TileLayout(grid: spectral.grid, tile: tile, levels: levels, components: bands)
                    prediction?.add(
                        -1, to: target, of: source, layout, rows: geometry.rows, columns: geometry.columns,
                        model: model)
                }
            }
        }
    }

    /// Takes off the reference at each level with the one weight that leaves least: what bases are chosen by.
    private func takeOff(_ known: Planes, from planes: inout Planes) {
        for level in 0...levels {
            var (product, square) = (0.0, 0.0)
            let rows = rows(ofLevel: level)
            for (start, count) in rows {
                var (sum, energy): (Float, Float) = (0, 0)
                for index in start..<start + count {
                    sum += planes.values[index] * known.values[index]
                    energy += known.values[index] * known.values[index]
                }
                product += Double(sum)
                square += Double(energy)
            }
            guard square > 0, product > 0 else { continue }
            let weight = Float(min(product / square, 1))
            for (start, count) in rows {
                for index in start..<start + count { planes.values[index] -= weight * known.values[index] }
            }
        }
    }

    /// Mean squares of every component at every level but the low band's, with how many coefficients have each.
    private func variances(_ planes: Planes) -> [(coefficients: Double, variance: Double)] {
        var found: [(coefficients: Double, variance: Double)] = []
        for level in 1..<levels + 1 {
            let rows = rows(ofLevel: level)
            for component in 0..<bands {
                let own = rows[component * rows.count / bands..<(component + 1) * rows.count / bands]
                let count = own.reduce(0) { $0 + $1.count }
                guard count > 0 else { continue }
                var sum = 0.0
                for (start, count) in own {
                    var energy: Float = 0
                    for index in start..<start + count { energy += planes.values[index] * planes.values[index] }
                    sum += Double(energy)
                }
                found.append((Double(count), sum / Double(count)))
            }
        }
        return found
    }

    /// First coefficient and count of every row of a level's sub-bands, component by component; 0 is the low band.
    private func rows(ofLevel level: Int) -> [(start: Int, count: Int)] {
        let subbands = level == 0 ? [geometry.low] : geometry.subbands(of: level)
        return (0..<bands).flatMap { component in
            subbands.flatMap { band in
                band.rows.map { row in
                    ((component * geometry.rows + row) * geometry.columns + band.columns.lowerBound, band.columns.count)
                }
            }
        }
    }
}
