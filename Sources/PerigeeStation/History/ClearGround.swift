package import PerigeeCore

/// How much of a frame shows the ground, as far as one band tells: clouds are bright in blue light, and so is snow. Without cloud
/// bands that is all a station has; it decides what is remembered as clear, never what is sent or what a picture shows.
package enum ClearGround {
    /// Reflectance in blue light above which a pixel is no clear ground. On 118 dates of wc-be1 four of five overcast frames lie
    /// above it nearly everywhere, and clear ones hardly anywhere.
    package static let brightest = 0.175
    /// Micrometres.
    private static let blue = 0.44...0.52
    private static let step = 4

    /// Share of the valid pixels that are clear, of every fourth row and column; 1 where no band of reflectance shows blue light.
    package static func share(of samples: Samples, stream: StreamDescription, nodata: Double?) -> Double {
        guard let band = blueBand(stream.bands), (0.5...2).contains(stream.peak * stream.profileScale) else { return 1 }
        let plane = samples.rows * samples.columns
        var (valid, clear) = (0, 0)
        samples.bytes.withUnsafeBytes { bytes in
            for row in stride(from: 0, to: samples.rows, by: step) {
                for column in stride(from: 0, to: samples.columns, by: step) {
                    let sample = Quicklook.value(bytes, samples.type, band * plane + row * samples.columns + column)
                    guard !sample.isNaN, sample != nodata else { continue }
                    valid += 1
                    if sample * stream.scale + stream.offset <= brightest { clear += 1 }
                }
            }
        }
        return valid > 0 ? Double(clear) / Double(valid) : 1
    }

    /// The band in blue light that is nearest to 0.49 µm.
    private static func blueBand(_ bands: [Band]) -> Int? {
        bands.indices
            .filter { !bands[$0].isCategorical && bands[$0].centerWavelength.map(blue.contains) == true }
            .min {
                ((bands[$0].centerWavelength ?? 0) - 0.49).magnitude
                    < ((bands[$1].centerWavelength ?? 0) - 0.49).magnitude
            }
    }
}
