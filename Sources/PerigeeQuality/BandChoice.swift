public import PerigeeCore

/// Finds bands by what they see. Categorical bands are never chosen.
public enum BandChoice {
    /// The band nearest to 0.665 µm within 0.62 to 0.69; without wavelengths one called red, R or B04.
    public static func red(in bands: [Band]) -> Int? {
        nearest(0.665, within: 0.62...0.69, in: bands) ?? named(["red", "r", "b04"], in: bands)
    }

    /// The band nearest to 0.56 µm within 0.51 to 0.6; without wavelengths one called green, G or B03.
    public static func green(in bands: [Band]) -> Int? {
        nearest(0.56, within: 0.51...0.6, in: bands) ?? named(["green", "g", "b03"], in: bands)
    }

    /// The band nearest to 0.49 µm within 0.43 to 0.51; without wavelengths one called blue, B or B02.
    public static func blue(in bands: [Band]) -> Int? {
        nearest(0.49, within: 0.43...0.51, in: bands) ?? named(["blue", "b", "b02"], in: bands)
    }

    /// The band nearest to 0.842 µm within 0.76 to 0.9; without wavelengths one called nir, N or B08.
    public static func nearInfrared(in bands: [Band]) -> Int? {
        nearest(0.842, within: 0.76...0.9, in: bands) ?? named(["nir", "nir08", "n", "b08"], in: bands)
    }

    private static func nearest(_ wavelength: Double, within range: ClosedRange<Double>, in bands: [Band]) -> Int? {
        var best: (index: Int, distance: Double)?
        for (index, band) in bands.enumerated() where !band.isCategorical {
            guard let center = band.centerWavelength, range.contains(center) else { continue }
            let distance = abs(center - wavelength)
            if best.map({ distance < $0.distance }) ?? true { best = (index, distance) }
        }
        return best?.index
    }

    /// Only among bands without a wavelength.
    private static func named(_ names: [String], in bands: [Band]) -> Int? {
        for name in names {
            let found = bands.firstIndex {
                !$0.isCategorical && $0.centerWavelength == nil && $0.name.lowercased() == name
            }
            if let found { return found }
        }
        return nil
    }
}
