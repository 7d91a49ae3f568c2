import PerigeeCore

/// What octets say of every coefficient of a frame: arrays `[components][rows][columns]` in Mallat layout
/// (Docs/packet-format.md, sections 5.2 and 5.8), in the units of the strict transform under `choice`.
public struct CoefficientIntervals: Sendable {
    /// The strict coefficient of the filled original is at least this; -infinity where nothing bounds it, so also at
    /// levels whose basis later layers go on to turn.
    public let lower: [Float]
    /// And at most this; infinity where nothing bounds it.
    public let upper: [Float]
    /// 1 for a measurement; 0 where the coefficient's support touches a missing sample, so that it depends on the fill.
    public let isMeasurement: [UInt8]
    /// The basis of the components.
    package let choice: SpectralChoice

    /// Bounds of the numbers themselves, from those of coded integers (`TokenDecoder.intervals`) and the factor that the
    /// numbers were multiplied by before they were cut. An interval that reaches the greatest magnitude has no end, since
    /// the encoder clips there. Bounds are rounded outwards where the factor is not 1.
    package static func bounds(lower: [Int32], width: [Int32], factor: Float) -> (lower: [Float], upper: [Float]) {
        let end = BitplaneCode.magnitudeLimit
        let isExact = factor == 1
        let outward = { (bound: Int32, towards: Float) -> Float in
            let number = Float(Double(bound) / Double(factor))
            // a product rounds by half a place, the quotient and its conversion by another
            return isExact ? number : Float(Double(number) + Double(towards) * Double(number.magnitude) * 0x1p-22)
        }
        var (low, high) = ([Float](repeating: 0, count: lower.count), [Float](repeating: 0, count: lower.count))
        for index in lower.indices {
            let (from, to) = (lower[index], lower[index] + width[index])
            low[index] = from <= -end ? -.infinity : outward(from, -1)
            high[index] = to >= end ? .infinity : outward(to, 1)
        }
        return (low, high)
    }

    /// Bounds of numbers from those of what a prediction left of them; rounded outwards, as the encoder's difference and
    /// the sum here are each rounded.
    static func moved(
        _ bounds: (lower: [Float], upper: [Float]), by prediction: [Float]
    ) -> (lower: [Float], upper: [Float]) {
        var (low, high) = bounds
        for index in prediction.indices where prediction[index] != 0 {
            let slack = (Double(prediction[index].magnitude) + Double(low[index].magnitude)) * 0x1p-22
            let highSlack = (Double(prediction[index].magnitude) + Double(high[index].magnitude)) * 0x1p-22
            low[index] = Float(Double(low[index]) + Double(prediction[index]) - slack)
            high[index] = Float(Double(high[index]) + Double(prediction[index]) + highSlack)
        }
        return (low, high)
    }
}

extension FrameDecoder {
    /// The interval of every coefficient that the octets at hand leave open; `layers` as for `decode(layers:)`. No interval
    /// is ever false, and more octets never widen one. Takes about 25 octets a sample beside what decoding takes. Throws as
    /// `decode`, and for verbatim streams, which have no coefficients.
    public func intervals(
        layers: [ArraySlice<UInt8>], reference: FrameReference? = nil
    ) throws(CodecError) -> CoefficientIntervals {
        guard let transform, let tokens else {
            throw .unusable(field: "stream", found: "verbatim", expected: "a stream of tokens: it alone has intervals")
        }
        try checkSize(rows: stream.rows, columns: stream.columns)
        try checkMemory(tokens, samples: stream.rows * stream.columns)
        let (head, tiles) = try parse(layers, tokens)
        try transform.check(head.choice)
        let (lower, width, validity, predictions) = tokens.intervals(
            tiles.streams, hasMask: head.hasMask, hasReference: reference != nil)
        var bounds = CoefficientIntervals.bounds(
            lower: lower, width: width, factor: FrameHead.factors[head.scale])
        if let reference {
            var known = Planes(components: tokens.components, rows: stream.rows, columns: stream.columns)
            try transform.apply(
                1, predictions, of: reference, to: &known, choice: head.choice, model: tokens.history)
            bounds = CoefficientIntervals.moved(bounds, by: known.values)
        }
        for (tile, spectrum) in head.choice.tiles.enumerated() where spectrum.openLevels.contains(true) {
            let layout = TileLayout(
                grid: tokens.grid, tile: tile, levels: tokens.levels, components: tokens.components)
            for band in layout.subbands where spectrum.isOpen(level: band.spectralLevel) {
                for row in (0..<tokens.components * band.rows) {
                    let place = (row / band.rows * stream.rows + band.frameRow + row % band.rows) * stream.columns
                    for index in place + band.frameColumn..<place + band.frameColumn + band.columns {
                        (bounds.lower[index], bounds.upper[index]) = (-.infinity, .infinity)
                    }
                }
            }
        }
        return CoefficientIntervals(
            lower: bounds.lower, upper: bounds.upper, isMeasurement: transform.measurements(validity, head.choice),
            choice: head.choice)
    }
}

extension FrameTransform {
    /// `[components][rows][columns]`, 0 where the support of a coefficient touches an invalid sample: of its own band under
    /// the identity, of any band under a basis that mixes them.
    package func measurements(_ validity: Validity, _ choice: SpectralChoice) -> [UInt8] {
        let count = geometry.rows * geometry.columns
        var result = [UInt8](repeating: 1, count: bands * count)
        let touched = validity.masks.map { MissingSupport.touched($0, geometry: geometry) }
        let isMixed = choice != .identity
        for component in 0..<(touched.isEmpty ? 0 : bands) {
            let sources = isMixed || touched.count == 1 ? touched[...] : touched[component...component]
            for flags in sources {
                for index in 0..<count where flags[index] != 0 { result[component * count + index] = 0 }
            }
        }
        return result
    }
}
