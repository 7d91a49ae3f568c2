import Glibc
public import PerigeeCore

/// Which bands of a stream a place is remembered by, and what of them: up to three, as physical as the profile allows.
public struct PlaceFeatures: Equatable, Sendable {
    public static let limit = 3

    /// Indices into the frame's bands.
    public let bands: [Int]
    /// Bands from which clouds and snow are told; nil where that is not possible.
    let haze: (blue: Int, red: Int)?
    /// Reflectances, of which logarithms are taken; else shares of the peak.
    let isReflectance: Bool
    let scale: Double
    let offset: Double

    public static func == (left: Self, right: Self) -> Bool {
        left.bands == right.bands && left.haze?.blue == right.haze?.blue && left.haze?.red == right.haze?.red
            && left.isReflectance == right.isReflectance && left.scale == right.scale && left.offset == right.offset
    }

    /// Red, near infrared and shortwave infrared where the bands have wavelengths, else what there is, in the order of the
    /// samples. `scale` and `offset` make physical values of samples; `peak` is the profile's, in samples.
    public init(bands: [Band], scale: Double, offset: Double, peak: Double) {
        func nearest(_ wavelengths: ClosedRange<Double>, to center: Double) -> Int? {
            bands.indices.filter { !bands[$0].isCategorical }
                .filter { bands[$0].centerWavelength.map(wavelengths.contains) ?? false }
                .min {
                    abs((bands[$0].centerWavelength ?? 0) - center) < abs((bands[$1].centerWavelength ?? 0) - center)
                }
        }
        let blue = nearest(0.45...0.52, to: 0.49)
        let red = nearest(0.6...0.69, to: 0.665)
        let chosen = [
            red, nearest(0.75...0.95, to: 0.865), nearest(1.5...2.4, to: 2.2), blue, nearest(0.52...0.6, to: 0.56),
        ].compactMap { $0 }
        let others = bands.indices.filter { !bands[$0].isCategorical && !chosen.contains($0) }
        self.bands = Array((chosen + others).prefix(Self.limit))
        let brightest = peak * scale + offset
        isReflectance = !chosen.isEmpty && (0.5...2).contains(brightest)
        self.scale = isReflectance ? scale : 1 / max(abs(peak), 1e-30)
        self.offset = isReflectance ? offset : 0
        if isReflectance, let blue, let red { haze = (blue, red) } else { haze = nil }
    }

    /// All bands that are read.
    var all: [Int] { bands + (haze.map { [$0.blue, $0.red] } ?? []) }

    /// What is remembered of the mean of a block, in samples: -3.9 to 0.4 for all that is usual.
    func value(_ mean: Double) -> Double {
        let physical = mean * scale + offset
        return isReflectance ? log(max(physical, 0) + 0.02) : 4 * physical - 3.9
    }

    /// The haze-optimised transform (Zhang et al., Remote Sensing of Environment 82, 2002) in its plainest form: blue minus
    /// half of red is near 0 over all ground without snow, and grows with the share of cloud.
    func haze(blue: Double, red: Double) -> Double {
        (blue * scale + offset) - 0.5 * (red * scale + offset)
    }
}
