import Glibc
public import PerigeeCore

/// A point on the Earth in degrees, WGS 84.
public struct Position: Equatable, Sendable {
    public var longitude: Double
    public var latitude: Double

    /// A point; east and north are positive.
    public init(longitude: Double, latitude: Double) {
        self.longitude = longitude
        self.latitude = latitude
    }
}

/// Coordinate reference systems whose formulas are here: longitude and latitude, UTM zones, spherical Mercator. Enough for the
/// products that ground stations get; PROJ has no place in the daemon.
package enum Projection: Sendable {
    case geographic
    case utm(TransverseMercator)
    case sphericalMercator

    /// nil where the code is none of them. ETRS 89 and NAD 83 are taken as WGS 84: they differ by a metre or two.
    package init?(epsg: Int) {
        switch epsg {
        case 4_326, 4_258, 4_269: self = .geographic
        case 3_857: self = .sphericalMercator
        case 32_601...32_660: self = .utm(TransverseMercator(zone: epsg - 32_600, isSouth: false))
        case 32_701...32_760: self = .utm(TransverseMercator(zone: epsg - 32_700, isSouth: true))
        case 25_828...25_838: self = .utm(TransverseMercator(zone: epsg - 25_800, isSouth: false))
        case 26_901...26_923: self = .utm(TransverseMercator(zone: epsg - 26_900, isSouth: false))
        default: return nil
        }
    }

    /// Degrees of a point in units of the system (GIS axis order: x east, y north).
    package func position(x: Double, y: Double) -> Position {
        switch self {
        case .geographic: return Position(longitude: x, latitude: y)
        case .utm(let zone): return zone.position(easting: x, northing: y)
        case .sphericalMercator:
            let radius = 6_378_137.0
            return Position(
                longitude: x / radius * 180 / .pi, latitude: (2 * atan(exp(y / radius)) - .pi / 2) * 180 / .pi)
        }
    }
}

/// The outline of a frame in degrees: its corners and three points between any two. Neighbouring points lie less than 180
/// degrees apart, so longitudes may go beyond 180.
public struct Outline: Equatable, Sendable {
    public let points: [Position]

    /// Where a frame lies; nil where its CRS is none of those known here, or gives no numbers there.
    public init?(_ georeference: GeoReference, rows: Int, columns: Int) {
        guard let projection = Projection(epsg: georeference.epsg) else { return nil }
        let matrix = georeference.transform
        let (height, width) = (Double(rows), Double(columns))
        let corners = [(0.0, 0.0), (0, height), (width, height), (width, 0)]
        var points: [Position] = []
        for (index, start) in corners.enumerated() {
            let end = corners[(index + 1) % 4]
            for step in 0..<4 {
                let share = Double(step) / 4
                let column = start.0 + (end.0 - start.0) * share
                let row = start.1 + (end.1 - start.1) * share
                var point = projection.position(
                    x: matrix[0] * column + matrix[1] * row + matrix[2],
                    y: matrix[3] * column + matrix[4] * row + matrix[5])
                guard abs(point.longitude) <= 720, abs(point.latitude) <= 90.000_001 else { return nil }
                if let last = points.last {
                    while point.longitude - last.longitude > 180 { point.longitude -= 360 }
                    while point.longitude - last.longitude < -180 { point.longitude += 360 }
                }
                points.append(point)
            }
        }
        self.points = points
    }
}
