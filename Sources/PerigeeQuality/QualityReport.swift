/// How far a frame lies from its original. Definitions: Docs/products.md, "Quality". What is undefined is nil.
public struct QualityReport: Equatable, Sendable {
    /// One band's share.
    public struct Band: Equatable, Sendable {
        public let name: String
        /// Samples that are valid in the original.
        public let validSamples: Int
        /// Mean squared error; nil without a valid sample.
        public let meanSquaredError: Double?
        /// Decibels; infinite where all samples agree.
        public let psnr: Double?
        public let ssim: Double?
        /// Greatest absolute difference, in samples.
        public let maxError: Double?
    }

    /// The bands in the order of the samples; categorical ones have no PSNR and SSIM, and do not count below.
    public let bands: [Band]
    /// Peak of PSNR and data range of SSIM, in samples.
    public let peak: Double
    /// Samples of all bands, and those of them that are valid in the original.
    public let samples: Int
    public let validSamples: Int
    /// Samples that are missing in one frame and not in the other.
    public let maskMismatches: Int
    /// Mean squared error over all valid samples of all bands.
    public let meanSquaredError: Double?
    /// Decibels, from the mean squared error of the frame; infinite where all samples agree.
    public let psnr: Double?
    /// Mean over the bands that have one.
    public let ssim: Double?
    /// Spectral angle in degrees, mean over the pixels that are valid in all bands; nil for fewer than two bands.
    public let sam: Double?
    /// Mean absolute difference of NDVI; nil where no red or no near-infrared band is known.
    public let ndviError: Double?
    /// Greatest absolute difference, in samples, categorical bands included.
    public let maxError: Double?

    /// Whether every sample is the same, masks included.
    public var isExact: Bool { maskMismatches == 0 && (maxError ?? 0) == 0 }
}

/// Why two frames cannot be compared.
public enum QualityError: Error, Equatable, Sendable {
    /// The shapes differ: `[bands, rows, columns]` of each.
    case shape(original: [Int], other: [Int])
    /// As many bands must be described as there are.
    case bandCount(described: Int, samples: Int)
    /// The peak is no positive number.
    case peak(Double)
}

extension QualityError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .shape(let original, let other):
            "shape [bands, rows, columns] is \(other), the original's is \(original): compare frames of one grid"
        case .bandCount(let described, let samples):
            "\(described) bands are described, the samples have \(samples): name every band"
        case .peak(let peak): "peak is \(peak), must be a number above 0: name a sensor profile or a peak"
        }
    }
}
