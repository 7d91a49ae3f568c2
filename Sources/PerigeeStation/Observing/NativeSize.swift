import PerigeeCore

extension StreamDescription {
    /// Octets of a frame's samples with each band counted at the sampling distance of its profile; `rawSize` where no band is on a
    /// finer grid than its own. Without a grid in metres the finest band's is the frame's.
    func nativeSize(rawSize: Int, metadata: FrameMetadata) -> Int {
        guard !bands.isEmpty else { return rawSize }
        var grid = bands.compactMap(\.groundSamplingDistance).min()
        // only of UTM it is sure that the unit is the metre
        if let place = frameDescription(metadata).georeference, (32_601...32_760).contains(place.epsg) {
            let width = (place.transform[0] * place.transform[0] + place.transform[3] * place.transform[3]).squareRoot()
            if width > 0 { grid = width }
        }
        guard let grid, grid > 0 else { return rawSize }
        let share = bands.reduce(0.0) { sum, band in
            let step = max((band.groundSamplingDistance ?? grid) / grid, 1)
            return sum + 1 / (step * step)
        }
        return Int((Double(rawSize) * share / Double(bands.count)).rounded())
    }
}
