public import PerigeeCore

/// Compares frames by the definitions of Docs/products.md, "Quality".
public enum Quality {
    /// What the two frames have in common.
    public struct Conditions: Sendable {
        /// Peak of PSNR and data range of SSIM, in samples.
        public var peak: Double
        /// Sample value that means missing; NaN and infinities of float samples are missing always.
        public var nodata: Double?
        /// Physical value = sample * scale + offset: the spectral angle and NDVI are taken from physical values.
        public var scale = 1.0
        public var offset = 0.0
        /// The bands in the order of the samples.
        public var bands: [Band]

        /// Conditions; the scale is 1 and the offset 0 until they are set.
        public init(peak: Double, nodata: Double?, bands: [Band]) {
            self.peak = peak
            self.nodata = nodata
            self.bands = bands
        }
    }

    /// Compares `other` with `original`. Samples of another type are rounded (half to even) and clipped to the original's.
    ///
    /// Takes memory for about ten doubles a pixel, whatever the count of bands.
    public static func compare(
        _ original: Samples, _ other: Samples, _ conditions: Conditions
    ) throws(QualityError) -> QualityReport {
        let shape = [original.bands, original.rows, original.columns]
        let otherShape = [other.bands, other.rows, other.columns]
        guard shape == otherShape else { throw .shape(original: shape, other: otherShape) }
        guard conditions.bands.count == original.bands else {
            throw .bandCount(described: conditions.bands.count, samples: original.bands)
        }
        guard conditions.peak > 0, conditions.peak.isFinite else { throw .peak(conditions.peak) }
        var spectrum = SpectralSums(pixels: original.rows * original.columns, conditions: conditions)
        var totals = Totals()
        var bands: [QualityReport.Band] = []
        for index in 0..<original.bands {
            let pair = BandPair(original, other, band: index, nodata: conditions.nodata)
            let band = measure(pair, conditions.bands[index], peak: conditions.peak)
            bands.append(band)
            totals.add(band, pair, isCategorical: conditions.bands[index].isCategorical)
            if !conditions.bands[index].isCategorical { spectrum.addNorms(pair, band: index) }
        }
        for index in 0..<original.bands where !conditions.bands[index].isCategorical && spectrum.hasAngle {
            spectrum.addDifferences(BandPair(original, other, band: index, nodata: conditions.nodata))
        }
        let error = totals.valid > 0 ? totals.squaredError / Double(totals.valid) : nil
        let similarities = bands.compactMap(\.ssim)
        return QualityReport(
            bands: bands, peak: conditions.peak, samples: shape.reduce(1, *),
            validSamples: bands.map(\.validSamples).reduce(0, +), maskMismatches: totals.mismatches,
            meanSquaredError: error, psnr: error.map { Decibels.psnr(meanSquaredError: $0, peak: conditions.peak) },
            ssim: similarities.isEmpty ? nil : similarities.reduce(0, +) / Double(similarities.count),
            sam: spectrum.angle, ndviError: spectrum.ndviError, maxError: bands.compactMap(\.maxError).max())
    }

    /// A peak for frames without a profile: 255 for uint8, else the range of the valid samples (1 where that is 0).
    public static func defaultPeak(of original: Samples, nodata: Double?) -> Double {
        if original.type == .uint8 { return 255 }
        var (least, greatest) = (Double.infinity, -Double.infinity)
        for band in 0..<original.bands {
            let pair = BandPair(original, original, band: band, nodata: nodata)
            for (value, isValid) in zip(pair.original, pair.isValid) where isValid {
                least = min(least, value)
                greatest = max(greatest, value)
            }
        }
        return greatest > least ? greatest - least : 1
    }

    private static func measure(_ pair: BandPair, _ band: Band, peak: Double) -> QualityReport.Band {
        let error = pair.validCount > 0 ? pair.squaredError / Double(pair.validCount) : nil
        let isMeasured = !band.isCategorical
        return QualityReport.Band(
            name: band.name, validSamples: pair.validInOriginal, meanSquaredError: error,
            psnr: isMeasured ? error.map { Decibels.psnr(meanSquaredError: $0, peak: peak) } : nil,
            ssim: isMeasured ? StructuralSimilarity.mean(pair, peak: peak) : nil,
            maxError: pair.validCount > 0 ? pair.maxError : nil)
    }
}

/// Sums over the bands that count.
private struct Totals {
    var squaredError = 0.0
    var valid = 0
    var mismatches = 0

    mutating func add(_ band: QualityReport.Band, _ pair: BandPair, isCategorical: Bool) {
        mismatches += pair.mismatches
        guard !isCategorical else { return }
        squaredError += pair.squaredError
        valid += pair.validCount
    }
}
