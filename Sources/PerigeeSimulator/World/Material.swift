/// What a surface is made of: the end members whose mixtures are all spectra of a scene.
enum Material: Int, CaseIterable, Sendable {
    case crop, grass, broadleaf, conifer, straw, brightSoil, darkSoil, clearWater, turbidWater, asphalt, roof, snow,
        char

    /// Wavelengths of the knots in micrometres.
    private static let knots: [Float] = [
        0.400, 0.443, 0.490, 0.560, 0.665, 0.705, 0.740, 0.783, 0.842, 0.865, 0.945, 1.240, 1.375, 1.610, 2.200, 2.500,
    ]

    /// Hemispherical reflectance at the knots. Rounded values of the order that spectral libraries (ECOSTRESS, USGS splib07)
    /// give for such surfaces, seen at canopy scale.
    private var spectrum: [Float] {
        switch self {
        case .crop:
            [
                0.020, 0.022, 0.028, 0.075, 0.030, 0.110, 0.330, 0.430, 0.460, 0.480, 0.475, 0.430, 0.300, 0.230, 0.110,
                0.08,
            ]
        case .grass:
            [
                0.030, 0.033, 0.042, 0.085, 0.055, 0.125, 0.270, 0.330, 0.360, 0.380, 0.380, 0.370, 0.280, 0.260, 0.140,
                0.10,
            ]
        case .broadleaf:
            [
                0.015, 0.018, 0.022, 0.050, 0.022, 0.075, 0.260, 0.340, 0.370, 0.380, 0.380, 0.340, 0.220, 0.170, 0.075,
                0.05,
            ]
        case .conifer:
            [
                0.012, 0.014, 0.018, 0.032, 0.018, 0.045, 0.140, 0.180, 0.200, 0.210, 0.210, 0.190, 0.120, 0.090, 0.040,
                0.03,
            ]
        case .straw:
            [
                0.060, 0.070, 0.090, 0.140, 0.200, 0.230, 0.260, 0.280, 0.310, 0.330, 0.350, 0.400, 0.360, 0.380, 0.260,
                0.20,
            ]
        case .brightSoil:
            [
                0.080, 0.100, 0.130, 0.180, 0.250, 0.270, 0.290, 0.300, 0.320, 0.330, 0.350, 0.390, 0.360, 0.420, 0.370,
                0.33,
            ]
        case .darkSoil:
            [
                0.030, 0.040, 0.050, 0.070, 0.100, 0.115, 0.125, 0.135, 0.145, 0.150, 0.165, 0.190, 0.180, 0.220, 0.190,
                0.17,
            ]
        case .clearWater:
            [
                0.030, 0.035, 0.030, 0.025, 0.012, 0.010, 0.007, 0.006, 0.005, 0.005, 0.004, 0.002, 0.001, 0.001, 0.001,
                0.001,
            ]
        case .turbidWater:
            [
                0.050, 0.060, 0.075, 0.100, 0.085, 0.075, 0.045, 0.040, 0.030, 0.030, 0.025, 0.010, 0.005, 0.006, 0.004,
                0.003,
            ]
        case .asphalt:
            [
                0.070, 0.085, 0.100, 0.115, 0.130, 0.140, 0.145, 0.150, 0.160, 0.165, 0.170, 0.190, 0.180, 0.205, 0.190,
                0.18,
            ]
        case .roof:
            [
                0.150, 0.180, 0.210, 0.240, 0.270, 0.280, 0.290, 0.295, 0.300, 0.305, 0.310, 0.330, 0.310, 0.340, 0.310,
                0.29,
            ]
        case .snow:
            [
                0.900, 0.920, 0.920, 0.910, 0.880, 0.870, 0.860, 0.850, 0.830, 0.810, 0.750, 0.450, 0.250, 0.080, 0.060,
                0.04,
            ]
        case .char:
            [
                0.030, 0.032, 0.035, 0.040, 0.047, 0.050, 0.055, 0.060, 0.065, 0.068, 0.075, 0.090, 0.090, 0.110, 0.120,
                0.11,
            ]
        }
    }

    /// Reflectance of a thick water cloud at the knots.
    private static let cloud: [Float] = [
        0.72, 0.72, 0.70, 0.69, 0.69, 0.70, 0.71, 0.72, 0.73, 0.73, 0.70, 0.66, 0.40, 0.55, 0.42, 0.36,
    ]

    /// Reflectance at a wavelength in micrometres; beyond the knots that of the nearest.
    func reflectance(at wavelength: Float) -> Float { Self.interpolate(spectrum, at: wavelength) }

    /// Reflectance of a thick cloud.
    static func cloudReflectance(at wavelength: Float) -> Float { interpolate(cloud, at: wavelength) }

    private static func interpolate(_ values: [Float], at wavelength: Float) -> Float {
        guard let above = knots.firstIndex(where: { $0 >= wavelength }) else { return values[values.count - 1] }
        guard above > 0 else { return values[0] }
        let share = (wavelength - knots[above - 1]) / (knots[above] - knots[above - 1])
        return values[above - 1] + (values[above] - values[above - 1]) * share
    }
}
