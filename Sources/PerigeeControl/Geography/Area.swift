import PerigeeJSON

/// Why octets are no area. The text names the member and ends with the remedy.
public struct AreaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where in the file, such as `features[2].geometry.coordinates[0][1]`.
    public let field: String
    public let problem: String

    public var description: String { field.isEmpty ? problem : "\(field) \(problem)" }
}

/// An area of interest: polygons with holes in longitude and latitude, out of GeoJSON (RFC 7946).
public struct Area: Equatable, Sendable {
    /// The outer ring first, then holes; every ring ends where it begins.
    package struct Polygon: Equatable, Sendable {
        var rings: [[Position]]
        var box: Box
    }

    struct Box: Equatable, Sendable {
        var west = Double.infinity
        var south = Double.infinity
        var east = -Double.infinity
        var north = -Double.infinity

        init(_ points: [Position]) {
            for point in points {
                (west, east) = (min(west, point.longitude), max(east, point.longitude))
                (south, north) = (min(south, point.latitude), max(north, point.latitude))
            }
        }

        func meets(_ other: Box, shift: Double) -> Bool {
            west + shift <= other.east && other.west <= east + shift && south <= other.north && other.south <= north
        }
    }

    public static let polygonLimit = 1_000
    public static let positionLimit = 50_000
    public static let depthLimit = 12

    package private(set) var polygons: [Polygon] = []
    private var positionCount = 0

    /// Reads a Polygon or MultiPolygon, or a Feature or FeatureCollection of such.
    public init(geoJSON bytes: ArraySlice<UInt8>) throws(AreaError) {
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue(parsing: bytes, depthLimit: Self.depthLimit) } catch {
            throw AreaError(
                field: "", problem: "is no JSON at octet \(error.offset) (\(error.problem)): give a GeoJSON file")
        }
        try read(value, at: "")
        guard !polygons.isEmpty else {
            throw AreaError(field: "features", problem: "holds no polygon: give one or more")
        }
    }

    /// Whether an outline has a point in common with the area.
    public func touches(_ outline: Outline) -> Bool {
        let box = Box(outline.points)
        for polygon in polygons {
            // a frame at the antimeridian counts on beyond 180
            for shift in [0.0, 360, -360] where polygon.box.meets(box, shift: shift) {
                let rings = polygon.rings.map { ring in
                    ring.map { Position(longitude: $0.longitude + shift, latitude: $0.latitude) }
                }
                if Self.touch(rings, outline.points) { return true }
            }
        }
        return false
    }

    private static func touch(_ rings: [[Position]], _ outline: [Position]) -> Bool {
        for ring in rings {
            for index in ring.indices.dropLast() {
                for (corner, start) in outline.enumerated() {
                    let end = outline[(corner + 1) % outline.count]
                    if cross(ring[index], ring[index + 1], start, end) { return true }
                }
            }
        }
        // No borders cross: one lies inside of the other, or they are apart.
        if let first = outline.first, isInside(first, rings) { return true }
        if let first = rings.first?.first, isInside(first, [outline + outline.prefix(1)]) { return true }
        return false
    }

    /// By the even-odd rule over all rings.
    private static func isInside(_ point: Position, _ rings: [[Position]]) -> Bool {
        var isInside = false
        for ring in rings {
            for index in ring.indices.dropLast() {
                let (a, b) = (ring[index], ring[index + 1])
                guard (a.latitude > point.latitude) != (b.latitude > point.latitude) else { continue }
                let share = (point.latitude - a.latitude) / (b.latitude - a.latitude)
                if point.longitude < a.longitude + share * (b.longitude - a.longitude) { isInside.toggle() }
            }
        }
        return isInside
    }

    private static func cross(_ a: Position, _ b: Position, _ c: Position, _ d: Position) -> Bool {
        func side(_ p: Position, _ q: Position, _ r: Position) -> Double {
            (q.longitude - p.longitude) * (r.latitude - p.latitude)
                - (q.latitude - p.latitude) * (r.longitude - p.longitude)
        }
        func isBetween(_ p: Position, _ q: Position, _ r: Position) -> Bool {
            min(p.longitude, q.longitude) <= r.longitude && r.longitude <= max(p.longitude, q.longitude)
                && min(p.latitude, q.latitude) <= r.latitude && r.latitude <= max(p.latitude, q.latitude)
        }
        let (first, second, third, fourth) = (side(c, d, a), side(c, d, b), side(a, b, c), side(a, b, d))
        if (first > 0) != (second > 0), (third > 0) != (fourth > 0), first != 0, second != 0, third != 0, fourth != 0 {
            return true
        }
        return (first == 0 && isBetween(c, d, a)) || (second == 0 && isBetween(c, d, b))
            || (third == 0 && isBetween(a, b, c)) || (fourth == 0 && isBetween(a, b, d))
    }
}

// Reading.
extension Area {
    private mutating func read(_ value: JSONValue, at path: String) throws(AreaError) {
        let prefix = path.isEmpty ? "" : path + "."
        guard case .object = value else {
            throw AreaError(field: path, problem: "is no object: give a GeoJSON object there")
        }
        guard case .string(let type)? = value["type"] else {
            throw AreaError(field: prefix + "type", problem: "is absent or no text: every GeoJSON object has one")
        }
        switch type {
        case "FeatureCollection":
            guard case .array(let features)? = value["features"] else {
                throw AreaError(field: prefix + "features", problem: "is absent or no list: give the features")
            }
            for (index, feature) in features.enumerated() { try read(feature, at: "\(prefix)features[\(index)]") }
        case "Feature":
            guard let geometry = value["geometry"] else {
                throw AreaError(field: prefix + "geometry", problem: "is absent: give a Polygon or MultiPolygon")
            }
            try read(geometry, at: prefix + "geometry")
        case "Polygon": try polygon(value["coordinates"], at: prefix + "coordinates")
        case "MultiPolygon":
            guard case .array(let items)? = value["coordinates"] else {
                throw AreaError(field: prefix + "coordinates", problem: "is absent or no list: give polygons")
            }
            for (index, item) in items.enumerated() { try polygon(item, at: "\(prefix)coordinates[\(index)]") }
        default:
            throw AreaError(
                field: prefix + "type",
                problem: "is \"\(type.prefix(40))\", must be Polygon, MultiPolygon, Feature or FeatureCollection: "
                    + "give polygons")
        }
    }

    private mutating func polygon(_ value: JSONValue?, at path: String) throws(AreaError) {
        guard case .array(let rings)? = value, !rings.isEmpty else {
            throw AreaError(field: path, problem: "is absent, empty or no list: give one ring or more")
        }
        guard polygons.count < Self.polygonLimit else {
            throw AreaError(field: path, problem: "is polygon \(Self.polygonLimit + 1): give fewer")
        }
        var result: [[Position]] = []
        for (index, ring) in rings.enumerated() { result.append(try self.ring(ring, at: "\(path)[\(index)]")) }
        polygons.append(Polygon(rings: result, box: Box(result[0])))
    }

    private mutating func ring(_ value: JSONValue, at path: String) throws(AreaError) -> [Position] {
        guard case .array(let items) = value else { throw AreaError(field: path, problem: "is no list: give a ring") }
        guard items.count >= 4 else {
            throw AreaError(field: path, problem: "has \(items.count) positions, must have 4 or more: draw a ring")
        }
        positionCount += items.count
        guard positionCount <= Self.positionLimit else {
            throw AreaError(field: path, problem: "goes beyond \(Self.positionLimit) positions: simplify the area")
        }
        var points: [Position] = []
        for (index, item) in items.enumerated() {
            guard case .array(let numbers) = item, (2...4).contains(numbers.count), let x = numbers[0].double,
                let y = numbers[1].double, abs(x) <= 180, abs(y) <= 90
            else {
                throw AreaError(
                    field: "\(path)[\(index)]",
                    problem: "is no position: write [longitude, latitude], -180 to 180 and -90 to 90 degrees")
            }
            points.append(Position(longitude: x, latitude: y))
        }
        guard points.first == points.last else {
            throw AreaError(field: path, problem: "does not end where it begins: repeat the first position at its end")
        }
        return points
    }
}
