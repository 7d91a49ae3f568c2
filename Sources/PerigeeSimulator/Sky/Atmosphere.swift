import Glibc

/// What air does to the light of one date.
struct Atmosphere: Sendable {
    /// Reflectance that haze adds at 0.49 micrometres: what a correction leaves over.
    let haze: Float
    private let isTopOfAtmosphere: Bool

    init(seed: UInt64, date: UInt64, isTopOfAtmosphere: Bool) {
        let draws = Draws(seed: seed, 71, date)
        let amount = draws.unit(0)
        haze = 0.002 + 0.03 * amount * amount * amount
        self.isTopOfAtmosphere = isTopOfAtmosphere
    }

    /// Reflectance added per unit of `haze`, by wavelength in micrometres.
    func hazeColor(_ wavelength: Float) -> Float { powf(0.49 / max(wavelength, 0.3), 1.4) }

    /// Share of the light that comes from the sky, not from the sun: what lights a shadow.
    func diffuseShare(_ wavelength: Float) -> Float { min(0.6, 0.07 + 0.30 * powf(0.45 / max(wavelength, 0.3), 2)) }

    /// Reflectance of clean air above the ground; 0 for surface reflectance.
    func path(_ wavelength: Float) -> Float {
        isTopOfAtmosphere ? 0.105 * powf(0.443 / max(wavelength, 0.3), 4) : 0
    }

    /// Share of the ground's light that arrives; 1 for surface reflectance.
    func transmission(_ wavelength: Float) -> Float {
        guard isTopOfAtmosphere else { return 1 }
        let vapour: Float = abs(wavelength - 1.375) < 0.03 ? 0.012 : abs(wavelength - 0.945) < 0.02 ? 0.6 : 1
        return vapour * (1 - 0.16 * powf(0.443 / max(wavelength, 0.3), 1.5))
    }
}
