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
    /// As below from samples, for one budget.
    package func predict(
        _ samples: Samples, from reference: FrameReference, budget: Int, model: PredictionModel
    ) throws(CodecError) -> PredictedFrame {
        let validity = try validity(of: samples)
        return try predict(
            FrameSource(
                samples: samples, validity: validity, coefficients: bandCoefficients(samples, validity),
                budgets: [budget], aim: 0, residualLayer: nil),
            from: reference, model: model)
    }

    /// Predicts a frame: bases are chosen for what is left of its coefficients, then weights, maps and moves of every tile.
    /// `given`: bases that are to be used instead.
    func predict(
        _ source: FrameSource, from reference: FrameReference, model: PredictionModel, given: SpectralChoice? = nil
    ) throws(CodecError) -> PredictedFrame {
        try check(reference)
        let offset = source.validity.isAllValid ? offset(of: reference, to: source.samples) : .none
        let current = source.validity.isAllValid ? source.coefficients : filled(source, from: reference)
        let known = try bandCoefficients(of: reference, offset: offset)
        var difference = current
        takeOff(known, from: &difference)
        let choice = if let given { given } else { try choose(difference, budgets: source.budgets) }
        difference.values = []
        let bases = try bases(of: choice)
        var (planes, predictor) = (current, known)
        spectral.forward(&planes, bases)
        spectral.forward(&predictor, bases)
        let bits = 8 * Double(source.aimedBudget)
        let sums = sums(planes, predictor)
        let threshold = threshold(sums.flatMap(\.leastVariances), budgets: Array(source.budgets[...source.aim]))
        let predictions = sums.indices.map { tile in
            var prediction = PredictionSearch(
                model: model, levels: levels, components: self.bands,
                tileRows: spectral.grid.rowRange(tile).count, tileColumns: spectral.grid.columnRange(tile).count,
                threshold: threshold
            ).best(sums[tile])
            prediction?.offset = offset
            return prediction
        }
        subtract(predictions, of: predictor, from: &planes, model: model)
        let plain = SpectralAnalysis.distortion(sums.flatMap { $0.variances(nil, model: model) }, budget: bits)
        let left = SpectralAnalysis.distortion(
            sums.indices.flatMap { sums[$0].variances(predictions[$0], model: model) }, budget: bits)
        return PredictedFrame(
            coefficients: planes, choice: choice, predictions: predictions, expectedShare: left / max(plain, 1e-9))
    }

    /// The distortion at which a bit is weighed: between that of the coarsest layer, which pays for the prediction first, and
    /// that of the finest.
    private func threshold(
        _ variances: [(coefficients: Double, variance: Double)], budgets: [Int]
    ) -> Double {
        let ends = [budgets.first { $0 > 0 } ?? 0, budgets.last ?? 0].map {
            SpectralAnalysis.distortion(variances, budget: 8 * Double($0))
        }
        return (ends[0] * ends[1]).squareRoot()
    }

    /// What each tile's prediction is chosen from.
    private func sums(_ planes: Planes, _ predictor: Planes) -> [PredictionSums] {
        planes.values.withUnsafeBufferPointer { current in
            predictor.values.withUnsafeBufferPointer { reference in
                (0..<spectral.grid.count).map { tile in
                    let grid = spectral.grid
                    return PredictionSums(
                        invariant(current.baseAddress, "no coefficients"),
                        invariant(reference.baseAddress, "no coefficients"),
                        TileLayout(grid: grid, tile: tile, levels: levels, components: bands),
                        tileRows: grid.rowRange(tile).count, tileColumns: grid.columnRange(tile).count,
                        rows: geometry.rows, columns: geometry.columns)
                }
            }
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

    /// Coefficients of a frame whose invalid samples are filled with the reference, moved to fit what is beside them: the
    /// difference of both is filled as in section 5.1. So a hole costs next to nothing.
    private func filled(_ source: FrameSource, from reference: FrameReference) -> Planes {
        var planes = normalisation.values(of: source.samples, validity: source.validity, path: path)
        for index in planes.values.indices { planes.values[index] -= reference.values.values[index] }
        planes = filled(planes, source.validity)
        for index in planes.values.indices { planes.values[index] += reference.values.values[index] }
        wavelet.forward(&planes)
        return planes
    }

    /// Takes off the reference at each level with the one weight that leaves least: what bases are chosen by.
    private func takeOff(_ known: Planes, from planes: inout Planes) {
        planes.values.withUnsafeMutableBufferPointer { planes in
            known.values.withUnsafeBufferPointer { known in
                guard let planes = planes.baseAddress, let known = known.baseAddress else { return }
                for level in 0...levels {
                    let rows = rows(ofLevel: level)
                    var pair = PredictionSums.Pair()
                    for (start, count) in rows {
                        let sums = PredictionSums.sums(planes + start, known + start, count: count)
                        pair += PredictionSums.Pair(product: Double(sums.y), square: Double(sums.z))
                    }
                    guard pair.square > 0, pair.product > 0 else { continue }
                    let weight = Float(min(pair.product / pair.square, 1))
                    for (start, count) in rows {
                        for index in start..<start + count { planes[index] -= weight * known[index] }
                    }
                }
            }
        }
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
