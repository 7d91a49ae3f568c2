import PerigeeCore
import PerigeeRaster
import Testing

@Suite("Footprints")
struct FootprintTests {
    @Test("a UTM frame has its corners in WGS 84, counter-clockwise and closed")
    func utm() throws {
        // Corners as gdalinfo gives them for ben-29upu-36-85_20170617.tif, in degrees.
        let grid = GeoReference(epsg: 32_629, transform: [10, 0, 643_200, 0, -10, 5_798_040])
        let footprint = try #require(try Footprint.of(grid, rows: 120, columns: 120))
        let ring = try #require(footprint.rings.first)
        #expect(footprint.rings.count == 1 && ring.count == 17 && ring.first == ring.last)
        let expected = [
            (0, -6.899_225, 52.313_992), (4, -6.899_736, 52.303_208), (8, -6.882_150, 52.302_894),
            (12, -6.881_636, 52.313_675),
        ]
        for (index, longitude, latitude) in expected {
            #expect(abs(ring[index][0] - longitude) < 2e-6 && abs(ring[index][1] - latitude) < 2e-6)
        }
        #expect(footprint.bbox == [ring[4][0], ring[8][1], ring[12][0], ring[0][1]])
    }

    @Test("a geographic frame keeps longitude first")
    func geographic() throws {
        let grid = GeoReference(epsg: 4_326, transform: [0.5, 0, 2, 0, -0.25, 42])
        let footprint = try #require(try Footprint.of(grid, rows: 4, columns: 2))
        #expect(footprint.bbox == [2, 41, 3, 42])
    }

    @Test("a frame whose rows go north is counter-clockwise too")
    func flipped() throws {
        let grid = GeoReference(epsg: 4_326, transform: [1, 0, 0, 0, 1, 0])
        let ring = try #require(try Footprint.of(grid, rows: 1, columns: 1)?.rings.first)
        let area = zip(ring, ring.dropFirst()).reduce(0) { $0 + $1.0[0] * $1.1[1] - $1.1[0] * $1.0[1] }
        #expect(area == 2)
    }

    @Test("a frame across the antimeridian is two polygons")
    func antimeridian() throws {
        let grid = GeoReference(epsg: 4_326, transform: [1, 0, 178, 0, -1, 10])
        let footprint = try #require(try Footprint.of(grid, rows: 2, columns: 5))
        #expect(footprint.bbox == [178, 8, -177, 10])
        #expect(footprint.rings.count == 2)
        #expect(footprint.rings[0].allSatisfy { (178...180).contains($0[0]) })
        #expect(footprint.rings[1].allSatisfy { (-180...(-177)).contains($0[0]) })
        let utm = GeoReference(epsg: 32_701, transform: [1000, 0, 100_000, 0, -1000, 8_000_000])
        #expect(try #require(try Footprint.of(utm, rows: 100, columns: 100)).rings.count == 2)
    }

    @Test("a frame round a pole has all longitudes")
    func pole() throws {
        let grid = GeoReference(epsg: 3_031, transform: [10_000, 0, -500_000, 0, -10_000, 500_000])
        let footprint = try #require(try Footprint.of(grid, rows: 100, columns: 100))
        #expect(footprint.bbox[0] == -180 && footprint.bbox[1] == -90 && footprint.bbox[2] == 180)
        #expect(footprint.bbox[3] < -80)
    }

    @Test("a grid without area or meaning has none, and an unknown CRS is named")
    func none() throws {
        let flat = GeoReference(epsg: 32_631, transform: [10, 10, 0, 10, 10, 0])
        #expect(try Footprint.of(flat, rows: 2, columns: 2) == nil)
        let far = GeoReference(epsg: 32_631, transform: [10, 0, 1e12, 0, -10, 1e12])
        #expect(try Footprint.of(far, rows: 2, columns: 2) == nil)
        #expect(throws: RasterError.self) {
            _ = try Footprint.of(GeoReference(epsg: 1_999, transform: [1, 0, 0, 0, -1, 0]), rows: 2, columns: 2)
        }
    }
}
