import Foundation
import PerigeeControl
import PerigeeCore
import PerigeeRaster
import PerigeeTestSupport
import Testing

@Suite("Surprise on a real series")
struct RealSurpriseTests {
    /// Wavelengths of the bands that are looked at, in micrometres.
    private static let wavelengths = ["B02": 0.49, "B04": 0.665, "B8A": 0.865, "B12": 2.2]
    /// DN of turbid water, and rows and columns of 10 x 10 pixels: a fortieth of the frame.
    private static let flooded = [
        "B02": 700, "B03": 800, "B04": 700, "B05": 650, "B06": 450, "B07": 430, "B08": 400, "B8A": 350, "B11": 180,
        "B12": 130,
    ]
    private static let area = (rows: 27..<37, columns: 21..<31)

    private func flood(_ frame: Frame) throws -> Samples {
        let samples = frame.samples
        var bytes = samples.bytes
        for (band, name) in frame.description.bandNames.enumerated() {
            let level = UInt16(try #require(Self.flooded[name]))
            for row in Self.area.rows {
                for column in Self.area.columns {
                    let index = 2 * ((band * samples.rows + row) * samples.columns + column)
                    (bytes[index], bytes[index + 1]) = (UInt8(level & 0xFF), UInt8(level >> 8))
                }
            }
        }
        return try Samples(
            type: samples.type, bands: samples.bands, rows: samples.rows, columns: samples.columns, bytes: bytes)
    }

    @Test(
        "two years of a place: a flood of 10 x 10 pixels stands out after an earlier look, and hardly without",
        .timeLimit(.minutes(10)),
        .enabled(if: SlowTests.areExpected && SharedData.isExpected, "make test-slow, and PERIGEE_DATA"))
    func flood() throws {
        let folder = SharedData.path("worldcereal-timeseries")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .filter { $0.hasPrefix("wc-be1_20") && $0.hasSuffix(".tif") }
        var (table, compared) = (PlaceTable(limit: 1), PlaceTable(limit: 1))
        var memory: Memory?
        var scores: (usual: [Double], flooded: [Double]) = ([], [])
        var after: (usual: [Double], flooded: [Double]) = ([], [])
        for (index, file) in files.enumerated() {
            let frame = try RasterReader.read("\(folder)/\(file)").frame
            let names = frame.description.bandNames
            let features = PlaceFeatures(
                bands: names.map { Band(name: $0, centerWavelength: Self.wavelengths[$0]) }, scale: 0.0001, offset: 0,
                peak: 10_000)
            let samples = frame.samples
            let grid = try #require(
                PlaceGrid(place: "wc-be1", georeference: nil, rows: samples.rows, columns: samples.columns))
            func look(_ table: inout PlaceTable, _ samples: Samples, _ earlier: Samples?) -> Surprise {
                func cells(_ samples: Samples) -> [PlaceGrid.Cell: CellView] {
                    CellReader.cells(samples, grid: grid, features: features, nodata: 0)
                }
                return table.look(
                    cells(samples), after: earlier.map(cells) ?? [:], grid: grid, sensor: "s",
                    time: Timestamp(milliseconds: Int64(index) * 432_000_000), threshold: 3)
            }
            let news = try flood(frame)
            var copies = (table, compared)
            let known = memory?.latest
            scores.flooded += [look(&copies.0, news, nil).score].compactMap { $0 }
            let changed = look(&copies.1, news, known)
            after.flooded += changed.compared == 1 ? [changed.score].compactMap { $0 } : []
            let plain = look(&table, samples, nil)
            scores.usual += [plain.score].compactMap { $0 }
            let surprise = look(&compared, samples, known)
            after.usual += surprise.compared == 1 ? [surprise.score].compactMap { $0 } : []
            guard plain.hidden == 0 else { continue }
            if memory == nil { memory = try Memory(ratio: 500, of: frame) }
            try memory?.send(samples)
        }
        func text(_ values: [Double]) -> String {
            let sorted = values.sorted()
            return "\(sorted.count) looks, median \(sorted[sorted.count / 2]), \(sorted.count { $0 > 3 }) above 3, "
                + "\(sorted.count { $0 < 1 }) below 1"
        }
        print("without: usual \(text(scores.usual)); flooded \(text(scores.flooded))")
        print("after an earlier look: usual \(text(after.usual)); flooded \(text(after.flooded))")
        #expect(after.usual.count > 20)
        #expect(after.flooded.count { $0 > 3 } * 2 > after.flooded.count)
        #expect(after.flooded.count { $0 > 3 } > scores.flooded.count { $0 > 3 })
        #expect(after.usual.count { $0 > 3 } * 20 < after.usual.count)
    }
}
