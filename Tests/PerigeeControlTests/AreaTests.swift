import PerigeeControl
import PerigeeCore
import Testing

/// GeoJSON of one polygon.
func polygon(_ rings: String) -> [UInt8] { Array(#"{"type":"Polygon","coordinates":\#(rings)}"#.utf8) }

@Suite("Areas of interest")
struct AreaTests {
    /// Made with pyproj 3.7 (PROJ 9), always_xy.
    @Test(
        "projections agree with PROJ to a fifth of a millimetre",
        arguments: [
            (32_631, 500_000, 0, 3.0, 0.0), (32_631, 166_021.443, 0, -0.0000000007, 0.0),
            (32_631, 312_345.678, 5_432_109.876, 0.4335985124, 49.0133191513),
            (32_631, 833_978.556, 9_329_005.18, 29.5828775121, 83.3059119712),
            (32_631, 699_999, 1_234_567, 4.8314778164, 11.1625071597),
            (32_631, 250_000, 7_800_000, -3.6190761747, 70.1840298737),
            (32_631, -400_000, 5_000_000, -8.3372007599, 44.5870366138),
            (32_733, 312_345.678, 5_432_109.876, 12.7606276194, -41.2406492697),
            (32_733, 500_000, 9_999_999, 15.0, -0.0000090473),
            (32_733, 640_000, 1_200_000, 21.7049285709, -79.1968454278),
            (3_857, 1_234_567.8, 6_543_210.9, 11.0903112402, 50.5564737253),
            (3_857, -20_037_508, -5_000_000, -179.9999969207, -40.9162744707),
            (25_832, 312_345.678, 5_432_109.876, 6.4335985124, 49.0133191524),
            (26_918, 583_960, 4_507_523, -74.0059695268, 40.7143492135), (4_326, 12.5, -7.25, 12.5, -7.25),
        ])
    func projections(epsg: Int, x: Double, y: Double, longitude: Double, latitude: Double) throws {
        let position = try #require(Projection(epsg: epsg)).position(x: x, y: y)
        #expect(abs(position.longitude - longitude) < 2e-9)
        #expect(abs(position.latitude - latitude) < 2e-9)
    }

    @Test("a zone's formulas there and back meet within a micrometre")
    func thereAndBack() {
        let zone = TransverseMercator(zone: 33, isSouth: false)
        for easting in stride(from: 160_000.0, through: 840_000, by: 68_000) {
            for northing in stride(from: 0.0, through: 9_300_000, by: 620_000) {
                let point = zone.point(zone.position(easting: easting, northing: northing))
                #expect(abs(point.easting - easting) < 1e-6)
                #expect(abs(point.northing - northing) < 1e-6)
            }
        }
    }

    @Test("systems without formulas here have no outline")
    func unknownSystems() {
        for epsg in [2_154, 27_700, 32_600, 32_661, 3_035] {
            let reference = GeoReference(epsg: epsg, transform: [10, 0, 500_000, 0, -10, 5_000_000])
            #expect(Outline(reference, rows: 10, columns: 10) == nil)
        }
        let nonsense = GeoReference(epsg: 4_326, transform: [10, 0, 0, 0, -10, 0])
        #expect(Outline(nonsense, rows: 100, columns: 100) == nil)
    }

    private func frame(_ west: Double, _ north: Double, side: Double = 0.1) throws -> Outline {
        let reference = GeoReference(epsg: 4_326, transform: [side / 10, 0, west, 0, -side / 10, north])
        return try #require(Outline(reference, rows: 10, columns: 10))
    }

    @Test("frames inside, around, across and beside an area are told apart")
    func touching() throws {
        let area = try Area(geoJSON: polygon("[[[10,50],[11,50],[11,51],[10,51],[10,50]]]")[...])
        #expect(area.touches(try frame(10.4, 50.6)))
        #expect(area.touches(try frame(9, 52, side: 3)))
        #expect(area.touches(try frame(9.95, 50.05)))
        #expect(area.touches(try frame(9.9, 50.6)))
        #expect(!area.touches(try frame(9.8, 50.6)))
        #expect(!area.touches(try frame(11.01, 50.6)))
        #expect(!area.touches(try frame(10.4, 52)))
    }

    @Test("a hole is no part of the area")
    func holes() throws {
        let rings = "[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]"
        let area = try Area(geoJSON: polygon(rings)[...])
        #expect(!area.touches(try frame(4.9, 5.1)))
        #expect(area.touches(try frame(3.95, 5.1)))
        #expect(area.touches(try frame(2, 2)))
    }

    @Test("UTM frames are compared in degrees")
    func utm() throws {
        // Sentinel-2 tile 31UDS: 2.6 to 4.1 degrees east, 50.5 to 51.4 north
        let reference = GeoReference(epsg: 32_631, transform: [10, 0, 499_980, 0, -10, 5_700_000])
        let outline = try #require(Outline(reference, rows: 10_980, columns: 10_980))
        let inside = try Area(geoJSON: polygon("[[[3.5,51],[3.6,51],[3.6,51.1],[3.5,51.1],[3.5,51]]]")[...])
        let outside = try Area(geoJSON: polygon("[[[2.5,51],[2.9,51],[2.9,51.1],[2.5,51.1],[2.5,51]]]")[...])
        #expect(inside.touches(outline))
        #expect(!outside.touches(outline))
    }

    @Test("a frame across the antimeridian touches areas on both sides")
    func antimeridian() throws {
        let reference = GeoReference(epsg: 32_701, transform: [1_000, 0, 100_000, 0, -1_000, 8_200_000])
        let outline = try #require(Outline(reference, rows: 100, columns: 200))
        let east = try Area(geoJSON: polygon("[[[179,-17],[179.9,-17],[179.9,-16.5],[179,-16.5],[179,-17]]]")[...])
        let west = try Area(geoJSON: polygon("[[[-180,-17],[-179.8,-17],[-179.8,-16.5],[-180,-16.5],[-180,-17]]]")[...])
        let far = try Area(geoJSON: polygon("[[[10,-17],[11,-17],[11,-16.5],[10,-16.5],[10,-17]]]")[...])
        #expect(east.touches(outline))
        #expect(west.touches(outline))
        #expect(!far.touches(outline))
    }

    @Test("features and collections are read, with their polygons")
    func collections() throws {
        let ring = "[[[0,0],[1,0],[1,1],[0,0]]]"
        let texts = [
            #"{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":\#(ring)}}"#,
            #"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[\#(ring),\#(ring)]}}]}"#,
        ]
        #expect(try texts.map { try Area(geoJSON: Array($0.utf8)[...]).polygons.count } == [1, 2])
    }

    @Test(
        "what is no area is refused by name",
        arguments: [
            ("", "is no JSON at octet 0"), ("[]", "is no object"), ("{}", "type is absent"),
            (#"{"type":"Point","coordinates":[1,2]}"#, #"type is "Point", must be Polygon"#),
            (#"{"type":"FeatureCollection","features":[]}"#, "features holds no polygon"),
            (#"{"type":"FeatureCollection"}"#, "features is absent or no list"),
            (#"{"type":"Feature"}"#, "geometry is absent"),
            (#"{"type":"Feature","geometry":null}"#, "geometry is no object"),
            (#"{"type":"Polygon"}"#, "coordinates is absent, empty or no list"),
            (#"{"type":"Polygon","coordinates":[]}"#, "coordinates is absent, empty or no list"),
            (#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}"#, "coordinates[0] has 3 positions"),
            (
                #"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#,
                "coordinates[0] does not end where it begins"
            ),
            (
                #"{"type":"Polygon","coordinates":[[[0,0],[181,0],[1,1],[0,0]]]}"#,
                "coordinates[0][1] is no position"
            ),
            (#"{"type":"Polygon","coordinates":[[[0,0],[1,"a"],[1,1],[0,0]]]}"#, "coordinates[0][1] is no position"),
            (
                #"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],7]}"#,
                "coordinates[1] is absent, empty or no list"
            ),
        ])
    func badAreas(text: String, problem: String) {
        let error = #expect(throws: AreaError.self) { try Area(geoJSON: Array(text.utf8)[...]) }
        #expect(error?.description.hasPrefix(problem) == true, "\(error?.description ?? "")")
    }

    @Test("limits hold: depth, positions, polygons")
    func limits() {
        let deep = String(repeating: #"{"type":"Feature","geometry":"#, count: 13)
        #expect(throws: AreaError.self) { try Area(geoJSON: Array(deep.utf8)[...]) }
        let positions = Array(repeating: "[0,0]", count: Area.positionLimit + 1).joined(separator: ",")
        let long = #expect(throws: AreaError.self) { try Area(geoJSON: polygon("[[\(positions)]]")[...]) }
        #expect(long?.problem.contains("\(Area.positionLimit) positions") == true)
        let many = Array(repeating: "[[[0,0],[1,0],[1,1],[0,0]]]", count: Area.polygonLimit + 1)
        let text = #"{"type":"MultiPolygon","coordinates":[\#(many.joined(separator: ","))]}"#
        let error = #expect(throws: AreaError.self) { try Area(geoJSON: Array(text.utf8)[...]) }
        #expect(error?.field == "coordinates[\(Area.polygonLimit)]")
    }
}
