import PerigeeCore

/// One frame as it is to be encoded.
struct FrameSource {
    let samples: Samples
    let validity: Validity
    /// Of the bands, before any basis.
    let coefficients: Planes
    let budgets: [Int]
    /// The layer at whose end a prediction must pay.
    let aim: Int
    let residualLayer: Int?

    /// Octets at the end of the layer that is aimed at.
    var aimedBudget: Int { budgets[aim] }
    /// Octets of the first layer that has any.
    var firstBudget: Int { budgets.first { $0 > 0 } ?? 0 }

    /// The same frame with its first octets alone.
    var cutToFirst: FrameSource {
        FrameSource(
            samples: samples, validity: validity, coefficients: coefficients, budgets: [firstBudget], aim: 0,
            residualLayer: residualLayer)
    }
}

extension FrameEncoder {
    /// Shares of the distortion without a reference (as expected from variances) below which a prediction is taken, and
    /// above which it is left, without coding the frame both ways.
    private static let certain = (below: 0.88, above: 0.91)

    /// Octets a tile, and samples an octet, beyond which variances say little and coding is quick: there the frame is always
    /// coded both ways, and small frames are in a wider doubt.
    private static let tight = (octets: 100, samples: 4_000)
    private static let small = (samples: 100_000, below: 0.8, above: 0.99)

    /// Halvings of the distortion, over all layers, that a prediction of a small frame with first octets as few must gain.
    private static let margin = 0.05

    /// The frame with or without its reference, whichever comes nearer to the samples.
    func encode(
        _ source: FrameSource, _ reference: FrameReference?, _ transform: FrameTransform, _ tokens: TokenEncoder
    ) throws(CodecError) -> EncodedFrame {
        guard let reference, let residual, source.aimedBudget > 0 else {
            return try encodePlain(source, transform, tokens)
        }
        let budget = source.aimedBudget
        let isTight =
            budget < Self.tight.octets * tokens.grid.count
            || budget < source.coefficients.values.count / Self.tight.samples
        let isSmall = source.coefficients.values.count < Self.small.samples
        let isCut = isSmall && source.firstBudget < min(budget, Self.tight.octets * tokens.grid.count)
        let limit = isTight || isCut ? 1 : isSmall ? Self.small.above : Self.certain.above
        let predicted = try transform.predict(source, from: reference, model: tokens.history)
        guard predicted.expectedShare < limit, predicted.predictions.contains(where: { $0 != nil }) else {
            return try encodePlain(source, transform, tokens)
        }
        guard let frame = try encode(predicted, source, reference, transform, tokens) else {
            return try encodePlain(source, transform, tokens)
        }
        let certain = isSmall ? Self.small.below : Self.certain.below
        if predicted.expectedShare < certain, !isTight, !isCut { return frame }
        var candidates = [frame, try encodePlain(source, transform, tokens)]
        if isCut {
            let lean = try transform.predict(source.cutToFirst, from: reference, model: tokens.history)
            if let frame = try encode(
                transform.predict(
                    source.cutToFirst, from: reference, model: tokens.history, given: lean.choice.withoutRotations),
                source, reference, transform, tokens)
            {
                candidates.append(frame)
            }
        }
        let decoder = try residual.decoder()
        var best = (frame: frame, loss: Double.infinity)
        for candidate in candidates {
            var loss = isCut && candidate.isPredicted ? Self.margin : 0.0
            for layer in isCut ? Array(0...source.aim) : [source.aim] where source.budgets[layer] > 0 {
                let layers = candidate.layers.prefix(layer + 1).map { $0[...] }
                let made = try decoder.decode(layers: layers, reference: candidate.isPredicted ? reference : nil)
                loss += log2Encoder(max(try transform.distance(made, source), 1))
            }
            if loss < best.loss { best = (candidate, loss) }
        }
        return best.frame
    }

    /// nil where the budgets have no room for it.
    private func encode(
        _ predicted: PredictedFrame, _ source: FrameSource, _ reference: FrameReference, _ transform: FrameTransform,
        _ tokens: TokenEncoder
    ) throws(CodecError) -> EncodedFrame? {
        let code = { (made: PredictedFrame) throws(CodecError) -> EncodedFrame in
            var frame = try self.encode(
                made.coefficients, made.choice, source.validity, tokens, budgets: source.budgets,
                source.residualLayer, predictions: made.predictions)
            frame.isPredicted = true
            return frame
        }
        do throws(CodecError) {
            let frame = try code(predicted)
            if frame.isComplete { return frame }
            return try code(
                transform.predict(
                    source, from: reference, model: tokens.history, given: predicted.choice.withoutRotations))
        } catch {
            guard case .overBudget = error else { throw error }
            return nil
        }
    }

    private func encodePlain(
        _ source: FrameSource, _ transform: FrameTransform, _ tokens: TokenEncoder
    ) throws(CodecError) -> EncodedFrame {
        let (planes, choice) = try transform.forward(source.coefficients, budgets: source.budgets)
        do throws(CodecError) {
            let frame = try encode(
                planes, choice, source.validity, tokens, budgets: source.budgets, source.residualLayer)
            if frame.isComplete { return frame }
            // A layer had no room for its rotations: without them, rather than with coefficients that nobody can place.
            let plain = choice.withoutRotations
            return try encode(
                transform.forward(source.coefficients, choice: plain), plain, source.validity, tokens,
                budgets: source.budgets, source.residualLayer)
        } catch {
            // What a fitted basis sends beside the mode may be what is too much.
            guard case .overBudget = error, !choice.parameters.isEmpty else { throw error }
            let (planes, choice) = try transform.forward(source.coefficients, budgets: [0])
            return try encode(
                planes, choice, source.validity, tokens, budgets: source.budgets, source.residualLayer)
        }
    }
}

extension FrameTransform {
    /// Sum of squared differences of the valid samples, as values.
    fileprivate func distance(_ decoded: Samples, _ source: FrameSource) throws(CodecError) -> Double {
        let (made, known) = (try values(of: decoded).values, try values(of: source.samples).values)
        let count = geometry.rows * geometry.columns
        var sum = 0.0
        for band in 0..<bands {
            let mask = source.validity.mask(of: band)
            var part: Float = 0
            for index in 0..<count where mask?[index] != 0 {
                let difference = made.values[band * count + index] - known.values[band * count + index]
                part += difference * difference
            }
            sum += Double(part)
        }
        return sum
    }
}
