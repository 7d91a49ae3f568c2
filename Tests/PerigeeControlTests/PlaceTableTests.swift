import PerigeeControl
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("Memory of places")
struct PlaceTableTests {
    private let bands = [("red", 0.66), ("nir", 0.86)].map { Band(name: $0.0, centerWavelength: $0.1) }
    private var features: PlaceFeatures { PlaceFeatures(bands: bands, scale: 0.0001, offset: 0, peak: 10_000) }

    private func samples(_ seed: UInt64, rows: Int = 64, columns: Int = 64) throws -> Samples {
        var generator = SeededGenerator(seed: seed)
        let octets = (0..<2 * rows * columns).flatMap { _ in
            let value = UInt16.random(in: 500...1_500, using: &generator)
            return [UInt8(value & 0xFF), UInt8(value >> 8)]
        }
        return try Samples(type: .uint16, bands: 2, rows: rows, columns: columns, bytes: octets)
    }

    private func look(_ table: inout PlaceTable, place: String, seed: UInt64, time: Int64) throws -> Surprise {
        let samples = try samples(seed)
        let grid = try #require(PlaceGrid(place: place, georeference: nil, rows: 64, columns: 64))
        let cells = CellReader.cells(samples, grid: grid, features: features, nodata: nil)
        #expect(cells.count == 1)
        return table.look(
            cells, grid: grid, sensor: "s", time: Timestamp(milliseconds: time * 1_000), threshold: 3)
    }

    @Test("a place takes at most 256 octets, and the table gives back what it packed")
    func packing() throws {
        #expect(PlaceTable.placeSize <= 256)
        var table = PlaceTable(limit: 100)
        for time in 0..<16 {
            for place in 0..<5 {
                _ = try look(&table, place: "p\(place)", seed: UInt64(time * 5 + place), time: Int64(time))
            }
        }
        let octets = table.packed()
        #expect(octets.count == 14 + 5 * PlaceTable.placeSize)
        var copy = try PlaceTable(parsing: octets, limit: 100)
        #expect(copy.packed() == octets)
        let first = try look(&table, place: "p1", seed: 99, time: 50)
        #expect(first.score != nil)
        #expect(try look(&copy, place: "p1", seed: 99, time: 50) == first)
    }

    @Test("every cut and every flipped octet of a packed table is refused")
    func damage() throws {
        var table = PlaceTable(limit: 10)
        _ = try look(&table, place: "p", seed: 1, time: 1)
        let octets = table.packed()
        for count in 0..<octets.count {
            #expect(throws: FormatError.self) { try PlaceTable(parsing: Array(octets[..<count]), limit: 10) }
        }
        for index in octets.indices {
            var damaged = octets
            damaged[index] ^= 0x55
            #expect(throws: FormatError.self) { try PlaceTable(parsing: damaged, limit: 10) }
        }
    }

    @Test("the places seen longest ago go when there are too many, in memory and in the file")
    func limit() throws {
        var table = PlaceTable(limit: 4)
        for place in 0..<6 { _ = try look(&table, place: "p\(place)", seed: UInt64(place), time: Int64(place)) }
        #expect(table.count == 4)
        #expect(table.evicted == 2)
        var newest = try PlaceTable(parsing: table.packed(), limit: 2)
        #expect(newest.count == 2)
        // the newest is still known: its second look learns on, that of an evicted one begins anew
        _ = try look(&newest, place: "p5", seed: 5, time: 10)
        #expect(newest.count == 2)
        #expect(newest.evicted == 0)
    }

    @Test("cells lie on the grid of the projection, wherever frames begin")
    func grid() throws {
        func cells(_ easting: Double, _ northing: Double, side: Int) throws -> Set<UInt64> {
            let reference = GeoReference(epsg: 32_631, transform: [10, 0, easting, 0, -10, northing])
            let grid = try #require(PlaceGrid(place: nil, georeference: reference, rows: side, columns: side))
            let views = CellReader.cells(
                try samples(1, rows: side, columns: side), grid: grid, features: features, nodata: nil)
            return Set(
                views.filter { $0.value.knownCount >= PlaceModel.leastBlocks }.keys.map {
                    grid.key($0, sensor: "s")
                })
        }
        let whole = try cells(2_560 * 200, 2_560 * 2_000, side: 256)
        #expect(whole.count == 1)
        #expect(try cells(2_560 * 200 - 30, 2_560 * 2_000 + 50, side: 264) == whole)
        let four = try cells(2_560 * 200 - 1_280, 2_560 * 2_000 + 1_280, side: 256)
        #expect(four.count == 4)
        #expect(whole.isSubset(of: four))
    }

    @Test("cells grow with the samples, so that a block has 24 of them at least")
    func scales() throws {
        for (pixel, side) in [(1.0, 40.0), (10, 320), (30, 1_280), (500, 20_480)] {
            let reference = GeoReference(epsg: 32_631, transform: [pixel, 0, 0, 0, -pixel, 0])
            let grid = try #require(PlaceGrid(place: nil, georeference: reference, rows: 1, columns: 1))
            #expect(abs(grid.matrix[0] * side - pixel) < 1e-9, "\(pixel) m")
        }
        #expect(PlaceGrid(place: nil, georeference: nil, rows: 8, columns: 8) == nil)
        let broken = GeoReference(epsg: 32_631, transform: [.infinity, 0, 0, 0, -10, 0])
        #expect(PlaceGrid(place: nil, georeference: broken, rows: 8, columns: 8) == nil)
    }

    @Test("means leave out nodata, and a rotated frame falls into the same blocks")
    func means() throws {
        let bands = [Band(name: "a")]
        let features = PlaceFeatures(bands: bands, scale: 1, offset: 0, peak: 100)
        // left half 40, right half 80, a third of the rows missing
        let octets = (0..<64 * 64).map { index -> UInt8 in
            index / 64 % 3 == 0 ? 255 : index % 64 < 32 ? 40 : 80
        }
        let samples = try Samples(type: .uint8, bands: 1, rows: 64, columns: 64, bytes: octets)
        let grid = try #require(PlaceGrid(place: "x", georeference: nil, rows: 64, columns: 64))
        let view = try #require(CellReader.cells(samples, grid: grid, features: features, nodata: 255).values.first)
        #expect(view.knownCount == 64)
        #expect(abs(view.values[0][0] - (4 * 0.4 - 3.9)) < 1e-9)
        #expect(abs(view.values[0][7] - (4 * 0.8 - 3.9)) < 1e-9)
        let turned = GeoReference(epsg: 32_631, transform: [0, 10, 0, -10, 0, 0])
        let straight = GeoReference(epsg: 32_631, transform: [10, 0, 0, 0, -10, 0])
        let transposed = try Samples(
            type: .uint8, bands: 1, rows: 64, columns: 64,
            bytes: (0..<64 * 64).map { octets[$0 % 64 * 64 + $0 / 64] })
        let cells = try [(samples, straight), (transposed, turned)].map { samples, reference in
            let grid = try #require(PlaceGrid(place: nil, georeference: reference, rows: 64, columns: 64))
            return CellReader.cells(samples, grid: grid, features: features, nodata: 255)
        }
        #expect(cells[0] == cells[1])
        #expect(!cells[0].isEmpty)
    }

    @Test("frames of nothing but nodata, single samples and floats that are no numbers are ordinary input")
    func oddInput() throws {
        var table = PlaceTable(limit: 4)
        let features = PlaceFeatures(bands: [Band(name: "a")], scale: 1, offset: 0, peak: 1)
        for (rows, columns) in [(1, 1), (1, 64), (64, 1), (9, 17)] {
            let nan = [UInt8](repeating: 0xFF, count: rows * columns * 4)
            let samples = try Samples(type: .float32, bands: 1, rows: rows, columns: columns, bytes: nan)
            let grid = try #require(PlaceGrid(place: "x", georeference: nil, rows: rows, columns: columns))
            let cells = CellReader.cells(samples, grid: grid, features: features, nodata: nil)
            let surprise = table.look(
                cells, grid: grid, sensor: "s", time: Timestamp(milliseconds: -5), threshold: 3)
            #expect(surprise == Surprise())
            let zero = try Samples(
                type: .float32, bands: 1, rows: rows, columns: columns, bytes: nan.map { _ in 0 })
            let one = CellReader.cells(zero, grid: grid, features: features, nodata: nil)
            #expect(one.values.reduce(0) { $0 + $1.knownCount } > 0)
        }
        #expect(PlaceFeatures(bands: [], scale: 1, offset: 0, peak: 1).bands.isEmpty)
        let categorical = PlaceFeatures(bands: [Band(name: "scl", isCategorical: true)], scale: 1, offset: 0, peak: 1)
        #expect(categorical.bands.isEmpty)
    }
}
