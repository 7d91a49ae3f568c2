import PerigeeControl
import PerigeeCore
import PerigeeSimulator

/// Four bands of Sentinel-2 L2A at 20 m: what a place is remembered by, and blue.
let bands = [("B02", 0.4924), ("B04", 0.6646), ("B08", 0.8328), ("B12", 2.2024)].map {
    Band(name: $0.0, centerWavelength: $0.1, groundSamplingDistance: 20)
}
let sentinel2 = SensorProfile(
    name: "sentinel-2-l2a", bands: bands, sampleType: .uint16, scale: 0.0001, nodata: 0, peak: 10_000)
let reflectances = PlaceFeatures(bands: bands, scale: 0.0001, offset: 0, peak: 10_000)

/// One simulated place, seen every five days under the sky of the date.
struct PlaceStory {
    static let day: Int64 = 86_400_000
    /// Samples along a side: one cell of 2,560 m.
    static let side = 128
    static let townSide = 16

    let seed: UInt64
    let start = Timestamp(rfc3339: "2023-01-02T10:36:00Z") ?? Timestamp(milliseconds: 0)
    /// Metres from the corner: where most can burn.
    let hearth: (x: Double, y: Double)
    /// The square of 32 samples in which most is town.
    let town: (row: Int, column: Int)
    private let generator: SceneGenerator

    init(seed: UInt64) throws {
        self.seed = seed
        generator = try SceneGenerator(profile: sentinel2)
        let clear = try generator.scene(
            SceneRequest(
                seed: seed, place: 0, datetime: start, rows: Self.side, columns: Self.side, cloudCover: 0))
        hearth = burnable(clear, radius: 580)
        town = townCorner(clear, side: Self.townSide)
    }

    func time(_ visit: Int) -> Timestamp {
        Timestamp(milliseconds: start.milliseconds + Int64(visit) * 5 * Self.day)
    }

    func scene(_ visit: Int, clouds: Double? = nil, fire radius: Double? = nil) throws -> SimulatedScene {
        var request = SceneRequest(
            seed: seed, place: 0, datetime: time(visit), rows: Self.side, columns: Self.side, cloudCover: clouds)
        if let radius {
            request.events = [
                SceneEvent(
                    kind: .fire, start: time(visit).milliseconds - 3 * Self.day, x: hearth.x, y: hearth.y,
                    radius: radius)
            ]
        }
        return try generator.scene(request)
    }
}

extension Samples {
    /// A square of the frame.
    func crop(row: Int, column: Int, side: Int) throws -> Samples {
        var octets: [UInt8] = []
        for band in 0..<bands {
            for line in row..<row + side {
                let start = ((band * rows + line) * columns + column) * type.size
                octets += bytes[start..<start + side * type.size]
            }
        }
        return try Samples(type: type, bands: bands, rows: side, columns: side, bytes: octets)
    }
}

extension PlaceTable {
    /// Looks at samples whose place has a name, of which an earlier look is known or not.
    mutating func look(
        _ samples: Samples, place: String, time: Timestamp, after earlier: Samples? = nil
    ) throws -> Surprise {
        guard let grid = PlaceGrid(place: place, georeference: nil, rows: samples.rows, columns: samples.columns) else {
            return Surprise()
        }
        func cells(_ samples: Samples) -> [PlaceGrid.Cell: CellView] {
            CellReader.cells(samples, grid: grid, features: reflectances, nodata: 0)
        }
        return look(
            cells(samples), after: earlier.map(cells) ?? [:], grid: grid, sensor: sentinel2.name, time: time,
            threshold: 3)
    }
}

/// Rows and columns of the square of `side` samples in which most is town.
func townCorner(_ scene: SimulatedScene, side: Int) -> (row: Int, column: Int) {
    let columns = scene.frame.samples.columns
    var sums = (row: 0, column: 0, count: 0)
    for (index, cover) in scene.landCover.enumerated() where cover == .town {
        sums.row += index / columns
        sums.column += index % columns
        sums.count += 1
    }
    func corner(_ sum: Int) -> Int { min(max(sum / max(sums.count, 1) - side / 2, 0), columns - side) }
    return (corner(sums.row), corner(sums.column))
}

/// Where a circle holds the most plants.
func burnable(_ scene: SimulatedScene, radius: Double) -> (x: Double, y: Double) {
    let columns = scene.frame.samples.columns
    var best = (x: 0.0, y: 0.0, count: -1)
    for row in 0..<5 {
        for column in 0..<5 {
            let (x, y) = (640 + 320 * Double(column), 640 + 320 * Double(row))
            let count = scene.landCover.enumerated().count { index, cover in
                let (dx, dy) = (20 * Double(index % columns) - x, 20 * Double(index / columns) - y)
                return dx * dx + dy * dy < radius * radius && cover != .water && cover != .town && cover != .road
            }
            if count > best.count { best = (x, y, count) }
        }
    }
    return (best.x, best.y)
}
