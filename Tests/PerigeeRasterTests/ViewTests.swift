import Foundation
import PerigeeCore
import PerigeeRaster
import PerigeeTestSupport
import Testing

@Suite("Views for people")
struct ViewTests {
    private func ramp(_ factor: UInt16) throws -> Samples {
        var writer = ByteWriter()
        for _ in 0..<3 { for value in 0..<101 { writer.write(UInt16(value) * factor) } }
        return try Samples(type: .uint16, bands: 3, rows: 1, columns: 101, bytes: writer.bytes)
    }

    @Test("the stretch goes from the 1st to the 99th percentile, and serves a second frame")
    func stretch() throws {
        let composite = Composite(fitting: try ramp(10), bands: [2, 1, 0], nodata: nil)
        #expect(composite.low == [10, 10, 10] && composite.high == [990, 990, 990])
        let image = composite.image(of: try ramp(5), nodata: 0)
        #expect(image.planes[0] == 16 && image.planes[202] == 48)  // missing
        #expect(image.planes[2] == 0)
        #expect(image.planes[100] == 128)  // 500 of 10 ... 990
    }

    @Test("a frame of one value, or of none, still gives an image")
    func flat() throws {
        for nodata in [nil, 7] as [Double?] {
            let samples = try Samples(type: .uint8, bands: 1, rows: 2, columns: 2, bytes: [7, 7, 7, 7])
            let composite = Composite(fitting: samples, bands: [0, 4, 9], nodata: nodata)
            #expect(composite.image(of: samples, nodata: nodata).planes.count == 12)
        }
    }

    @Test("a sheet is written as a PNG of its size")
    func sheet() throws {
        let folder = try TemporaryFolder()
        let samples = try ramp(10)
        let view = Composite(fitting: samples, bands: [0, 1, 2], nodata: nil).image(of: samples, nodata: nil)
        let cells = [
            Sheet.Cell(image: view, lines: ["original", "raw 606 octets"]),
            Sheet.Cell(image: view, lines: ["1,000x", "PSNR 31.2 dB"]),
        ]
        let image = Sheet(title: "Perigee: 100x / 1,000x", rows: [cells, cells]).image(cellSize: 202)
        try RasterWriter.writePNG(image, to: folder.file("a.png"))
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: folder.file("a.png"))))
        #expect(bytes.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        func number(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
        #expect(number(16) == image.columns && number(20) == image.rows)
        #expect(image.columns > 2 * 202 && image.planes.contains(30))
        #expect(try folder.contents() == ["a.png"])
    }
}
