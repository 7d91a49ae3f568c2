/// One band of a sensor.
public struct Band: Equatable, Sendable {
    /// Name as in the product, for example "B8A".
    public var name: String
    /// Centre wavelength in micrometres; nil where the band has none (radar, indices).
    public var centerWavelength: Double?
    /// Full width at half maximum in micrometres.
    public var fullWidthHalfMax: Double?
    /// Ground sampling distance in metres of the band as it was measured, before any resampling by the source.
    public var groundSamplingDistance: Double?
    /// Values are codes, not measurements (SCL, QA): they travel losslessly.
    public var isCategorical: Bool

    /// A band; what is not known is nil.
    public init(
        name: String, centerWavelength: Double? = nil, fullWidthHalfMax: Double? = nil,
        groundSamplingDistance: Double? = nil, isCategorical: Bool = false
    ) {
        self.name = name
        self.centerWavelength = centerWavelength
        self.fullWidthHalfMax = fullWidthHalfMax
        self.groundSamplingDistance = groundSamplingDistance
        self.isCategorical = isCategorical
    }
}

/// What is known of a sensor: Config/sensors/*.toml.
public struct SensorProfile: Equatable, Sendable {
    /// Name in frame headers, for example "sentinel-2-l2a".
    public var name: String
    /// STAC `platform` and `instruments` where the profile implies them.
    public var platform: String?
    public var instruments: [String]
    /// Bands in product order.
    public var bands: [Band]
    /// Usual type of a sample.
    public var sampleType: SampleType
    /// Physical value = sample * scale + offset, where the frame says nothing else.
    public var scale: Double
    public var offset: Double
    /// Value that marks a sample as missing, where the frame says nothing else.
    public var nodata: Double?
    /// The peak of PSNR and the unit of quantisation, in samples (10,000 for reflectance DN, 255 for 8 bits).
    public var peak: Double

    /// A profile; see the properties.
    public init(
        name: String, platform: String? = nil, instruments: [String] = [], bands: [Band], sampleType: SampleType,
        scale: Double = 1, offset: Double = 0, nodata: Double? = nil, peak: Double
    ) {
        self.name = name
        self.platform = platform
        self.instruments = instruments
        self.bands = bands
        self.sampleType = sampleType
        self.scale = scale
        self.offset = offset
        self.nodata = nodata
        self.peak = peak
    }
}
