import CGDAL
public import PerigeeCore

/// Where a frame lies on the Earth: its outline in WGS 84, as GeoJSON (RFC 7946) wants it.
public struct Footprint: Equatable, Sendable {
    /// One closed ring of `[longitude, latitude]` in degrees for each polygon, counter-clockwise; two polygons where the
    /// frame crosses the antimeridian.
    public let rings: [[[Double]]]
    /// West, south, east, north; west is greater than east across the antimeridian.
    public let bbox: [Double]

    /// The outline of a grid. Edges are followed in four steps, as straight lines of a projection are curves on the Earth.
    ///
    /// Throws `RasterError.unknownReference` for a CRS that PROJ does not know; nil where the grid has no area, or lies
    /// where its CRS has no meaning.
    public static func of(
        _ georeference: GeoReference, rows: Int, columns: Int
    ) throws(RasterError) -> Footprint? {
        let matrix = georeference.transform
        guard matrix.allSatisfy(\.isFinite), matrix[0] * matrix[4] - matrix[1] * matrix[3] != 0 else { return nil }
        var (x, y) = outline(matrix, rows: Double(rows), columns: Double(columns))
        let code = "EPSG:\(georeference.epsg)"
        let isDone = try GDALRuntime.run { (log) throws(RasterError) in
            guard let source = SpatialReference(epsg: georeference.epsg), let target = SpatialReference(epsg: 4_326)
            else { throw .unknownReference(code: code, reason: log.reason("not in PROJ's database")) }
            guard let transformation = OCTNewCoordinateTransformation(source.handle, target.handle) else {
                throw .unknownReference(code: code, reason: log.reason("no way to WGS 84"))
            }
            defer { OCTDestroyCoordinateTransformation(transformation) }
            return OCTTransform(transformation, Int32(x.count), &x, &y, nil) != 0
        }
        guard isDone, zip(x, y).allSatisfy({ $0.isFinite && abs($1) <= 90.000_001 }) else { return nil }
        return Footprint(longitudes: x, latitudes: y)
    }

    /// Outer corners and points between them, down the first column first: counter-clockwise for a north-up grid.
    private static func outline(_ matrix: [Double], rows: Double, columns: Double) -> (x: [Double], y: [Double]) {
        let corners = [(0.0, 0.0), (0, rows), (columns, rows), (columns, 0)]
        var (x, y): ([Double], [Double]) = ([], [])
        for (index, start) in corners.enumerated() {
            let end = corners[(index + 1) % 4]
            for step in 0..<4 {
                let share = Double(step) / 4
                let column = start.0 + (end.0 - start.0) * share
                let row = start.1 + (end.1 - start.1) * share
                x.append(matrix[0] * column + matrix[1] * row + matrix[2])
                y.append(matrix[3] * column + matrix[4] * row + matrix[5])
            }
        }
        return (x, y)
    }

    private init(longitudes: [Double], latitudes: [Double]) {
        var points: [(x: Double, y: Double)] = []
        for (longitude, latitude) in zip(longitudes, latitudes) {
            var x = longitude
            if let last = points.last {
                // Follow the outline without jumps across the antimeridian.
                while x - last.x > 180 { x -= 360 }
                while x - last.x < -180 { x += 360 }
            }
            points.append((x, min(max(latitude, -90), 90)))
        }
        let south = points.map(\.y).min() ?? 0
        let north = points.map(\.y).max() ?? 0
        guard let first = points.first, let last = points.last, abs(first.x - last.x) <= 180 else {
            // The outline goes round a pole: all longitudes, up to the pole that is nearer.
            let (low, high) = north + south > 0 ? (south, 90) : (-90, north)
            let box = [(x: -180.0, y: low), (180, low), (180, high), (-180, high)]
            (rings, bbox) = ([Self.ring(box)], Self.rounded([-180, low, 180, high]))
            return
        }
        let turn = ((points.map(\.x).min() ?? 0) + 180) / 360
        let shift = turn.rounded(.down) * 360
        points = points.map { ($0.x - shift, $0.y) }
        let west = points.map(\.x).min() ?? 0
        let east = points.map(\.x).max() ?? 0
        if east <= 180 {
            (rings, bbox) = ([Self.ring(points)], Self.rounded([west, south, east, north]))
        } else {
            let left = Self.clip(points) { $0 <= 180 }
            let right = Self.clip(points) { $0 >= 180 }.map { (x: $0.x - 360, y: $0.y) }
            (rings, bbox) = ([Self.ring(left), Self.ring(right)], Self.rounded([west, south, east - 360, north]))
        }
    }

    /// The part of a ring on one side of longitude 180.
    private static func clip(
        _ points: [(x: Double, y: Double)], _ isInside: (Double) -> Bool
    ) -> [(x: Double, y: Double)] {
        var result: [(x: Double, y: Double)] = []
        for (index, end) in points.enumerated() {
            let start = points[(index + points.count - 1) % points.count]
            if isInside(start.x) != isInside(end.x) {
                let share = (180 - start.x) / (end.x - start.x)
                result.append((180, start.y + share * (end.y - start.y)))
            }
            if isInside(end.x) { result.append(end) }
        }
        return result
    }

    /// Closed, counter-clockwise, rounded to a centimetre.
    private static func ring(_ points: [(x: Double, y: Double)]) -> [[Double]] {
        var area = 0.0
        for (index, end) in points.enumerated() {
            let start = points[(index + points.count - 1) % points.count]
            area += start.x * end.y - end.x * start.y
        }
        let ordered = area < 0 ? points.reversed() : points
        return (ordered + ordered.prefix(1)).map { rounded([$0.x, $0.y]) }
    }

    private static func rounded(_ numbers: [Double]) -> [Double] { numbers.map { ($0 * 1e7).rounded() / 1e7 } }
}
