import PerigeeCore

/// Where the bands of a frame lie among the wavelengths of a model. Source: Docs/packet-format.md, section 5.3.
struct BandPlacement: Sendable {
    /// A band between two wavelengths of the model: `(1 - share)` of `low` and `share` of `high`.
    struct Place: Equatable, Sendable {
        let low: Int
        let high: Int
        let share: Double
        let isExact: Bool
    }

    static let exactDistance = 1e-6  // micrometres
    static let outerDistance = 0.3  // micrometres
    static let ownVariance = 1.03125

    /// By band in coding order; nil where a band stands alone.
    let places: [Place?]

    /// True where at least one band has a place and there are not too many: then trained sets can be used.
    var isUsable: Bool { places.count <= SpectralModel.bandLimit && places.contains { $0 != nil } }

    init(_ bands: [Band], model: SpectralModel) {
        places = bands.map { band in
            band.centerWavelength.flatMap { Self.place(Double(Float($0)), model.wavelengths) }
        }
    }

    private static func place(_ wavelength: Double, _ references: [Double]) -> Place? {
        if let index = references.firstIndex(where: { (wavelength - $0).magnitude <= exactDistance }) {
            return Place(low: index, high: index, share: 0, isExact: true)
        }
        let last = references.count - 1
        if wavelength < references[0] {
            guard references[0] - wavelength <= outerDistance else { return nil }
            return Place(low: 0, high: 0, share: 0, isExact: false)
        }
        if wavelength > references[last] {
            guard wavelength - references[last] <= outerDistance else { return nil }
            return Place(low: last, high: last, share: 0, isExact: false)
        }
        guard let low = references.lastIndex(where: { $0 < wavelength }), low < last else { return nil }
        let share = (wavelength - references[low]) / (references[low + 1] - references[low])
        return Place(low: low, high: low + 1, share: share, isExact: false)
    }

    /// Means by band in coding order.
    func means(_ model: SpectralModel) -> [Double] {
        places.map { place in
            guard let place else { return 0 }
            return (1 - place.share) * model.means[place.low] + place.share * model.means[place.high]
        }
    }

    /// `[band][band]` of one set and index.
    func covariance(_ model: SpectralModel, set: Int, index: Int) -> [Double] {
        let count = places.count
        let size = model.wavelengths.count
        let start = (set * SpectralModel.indices + index) * size * size
        let entry = { (i: Int, j: Int) -> Double in
            model.covariances[start + min(i, j) * size + max(i, j)]
        }
        var covariance = [Double](repeating: 0, count: count * count)
        var sum = 0.0
        var placed = 0
        for (b, first) in places.enumerated() {
            guard let first else { continue }
            for (d, second) in places.enumerated().dropFirst(b) {
                guard let second else { continue }
                let (t, u) = (first.share, second.share)
                let low = (1 - u) * entry(first.low, second.low) + u * entry(first.low, second.high)
                let high = (1 - u) * entry(first.high, second.low) + u * entry(first.high, second.high)
                var value = (1 - t) * low + t * high
                if b == d {
                    if !first.isExact { value *= Self.ownVariance }
                    sum = placed == 0 ? value : sum + value
                    placed += 1
                }
                covariance[b * count + d] = value
                covariance[d * count + b] = value
            }
        }
        for b in places.indices where places[b] == nil { covariance[b * count + b] = sum / Double(placed) }
        return covariance
    }
}
