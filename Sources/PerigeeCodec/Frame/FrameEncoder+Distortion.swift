public import PerigeeCore

extension FrameEncoder {
    /// Mean squared error of the valid samples after these layers of a frame, in squares of the codec's values, which are
    /// alike for all frames of a profile. 0 where nothing is valid, and for a verbatim stream. `reference`: that of a predicted frame. Costs about one
    /// decoding.
    public func distortion(
        of layers: some Collection<[UInt8]>, from samples: Samples, reference: FrameReference? = nil
    ) throws(CodecError) -> Double {
        guard let transform, let residual else { return 0 }
        let decoded = try residual.decoder().decode(layers: layers.map { $0[...] }, reference: reference)
        let (known, validity) = try transform.values(of: samples)
        let (made, _) = try transform.values(of: decoded)
        let count = samples.rows * samples.columns
        var (sum, valid) = (0.0, 0)
        for band in 0..<samples.bands {
            let mask = validity.mask(of: band)
            for row in stride(from: band * count, to: (band + 1) * count, by: samples.columns) {
                var part: Float = 0
                for index in row..<row + samples.columns where mask?[index - band * count] != 0 {
                    let difference = made.values[index] - known.values[index]
                    part += difference * difference
                    valid += 1
                }
                sum += Double(part)
            }
        }
        return valid > 0 ? sum / Double(valid) : 0
    }
}
