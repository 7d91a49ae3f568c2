import Glibc
public import PerigeeCore

/// Where a simulated place lies.
public struct PlaceSite: Sendable, Equatable {
    /// EPSG code of its UTM zone.
    public let epsg: Int
    /// Metres: north-west corner of the footprint, on a grid of 60 m.
    public let easting: Double
    public let northing: Double
    /// Degrees north.
    public let latitude: Double
    let worldSeed: UInt64

    /// The site of a place: somewhere between 36 and 58 degrees north in UTM zones 29 to 35.
    public init(seed: UInt64, place: Int) {
        let draws = Draws(seed: seed, 1, UInt64(bitPattern: Int64(place)))
        worldSeed = draws.bits(0)
        epsg = 32_629 + Int(draws.unit(1) * 6.999)
        latitude = Double(36 + 22 * draws.unit(2))
        easting = (Double(320_000 + 360_000 * draws.unit(3)) / 60).rounded() * 60
        // Length of the meridian from the equator, WGS 84, to some hundred metres: enough for a position.
        let radians = latitude * .pi / 180
        let arc = 6_367_449.146 * radians - 16_038.509 * sin(2 * radians) + 16.833 * sin(4 * radians)
        northing = (arc * 0.9996 / 60).rounded() * 60
    }

    /// The georeference of samples of this size whose first lies at the corner.
    public func georeference(pixel: Double) -> GeoReference {
        GeoReference(epsg: epsg, transform: [pixel, 0, easting, 0, -pixel, northing])
    }
}
