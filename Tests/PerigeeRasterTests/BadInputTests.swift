import Foundation
import PerigeeCore
import PerigeeRaster
import PerigeeTestSupport
import Testing

/// A little-endian TIFF header with one directory of the entries given: tag, type, count, value.
private func tiff(_ entries: [(UInt16, UInt16, UInt32, UInt32)]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write([0x49, 0x49, 0x2A, 0x00] as [UInt8])
    writer.write(UInt32(8))
    writer.write(UInt16(entries.count))
    for (tag, type, count, value) in entries {
        writer.write(tag)
        writer.write(type)
        writer.write(count)
        writer.write(value)
    }
    writer.write(UInt32(0))
    return writer.bytes + [UInt8](repeating: 0, count: 64)
}

private func header(side: UInt32, bits: UInt32 = 16, format: UInt32 = 1, bands: UInt32 = 1) -> [UInt8] {
    tiff([
        (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, bits), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8),
        (277, 3, 1, bands), (278, 4, 1, side), (279, 4, 1, 64), (339, 3, 1, format),
    ])
}

@Suite("What is no good GeoTIFF is refused by name")
struct BadInputTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ bytes: [UInt8], _ name: String = "bad.tif") throws -> String {
        try Data(bytes).write(to: URL(filePath: folder.file(name)))
        return folder.file(name)
    }

    @Test(
        "text, nothing, zeros, and a lone magic number",
        arguments: [
            Array("not an image, only text".utf8), [], [UInt8](repeating: 0, count: 4096), [0x49, 0x49, 0x2A, 0],
            Array("<VRTDataset rasterXSize=\"1\" rasterYSize=\"1\"></VRTDataset>".utf8),
        ] as [[UInt8]])
    func notTIFF(bytes: [UInt8]) throws {
        let path = try write(bytes)
        do {
            _ = try RasterReader.read(path)
            Issue.record("was accepted")
        } catch {
            guard case .notGeoTIFF = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.description.contains("gdal_translate"))
        }
    }

    @Test("a header that claims more than the limit")
    func huge() throws {
        for side: UInt32 in [20_000, 1 << 20, UInt32(Int32.max)] {
            let path = try write(header(side: side))
            #expect(throws: RasterError.self) { _ = try RasterReader.read(path) }
        }
        let small = try write(header(side: 100))
        #expect {
            _ = try RasterReader.read(small, limits: RasterLimits(size: 19_999))
        } throws: { error in
            (error as? RasterError)
                == .tooLarge(path: small, reason: .outOfRange(field: "frame octets", value: 20_000, limit: 19_999))
        }
    }

    @Test("types that a frame does not have", arguments: [(64, 3), (32, 1), (32, 5)] as [(UInt32, UInt32)])
    func types(bits: UInt32, format: UInt32) throws {
        let path = try write(header(side: 4, bits: bits, format: format))
        #expect {
            _ = try RasterReader.read(path)
        } throws: { error in
            guard case .unsupported(_, let field, _, let remedy) = error as? RasterError else { return false }
            return field.contains("band 1") && remedy.contains("-ot")
        }
    }

    @Test("samples that do not unpack")
    func damaged() throws {
        let path = try write(header(side: 100))
        #expect {
            _ = try RasterReader.read(path)
        } throws: { error in
            if case .damaged = error as? RasterError { true } else { false }
        }
    }

    @Test(
        "names that are no local file",
        arguments: [
            "", "/vsicurl/http://127.0.0.1:9/a.tif", "/vsimem/a.tif", "/vsizip/a.zip/a.tif", "GTIFF_DIR:1:a.tif",
            "/tmp",
            "/dev/null", "nowhere.tif", "a\0b",
        ])
    func names(path: String) {
        #expect {
            _ = try RasterReader.read(path)
        } throws: { error in
            if case .unreadable = error as? RasterError { true } else { false }
        }
    }

    @Test("a file that is cut at any of its octets, or has any of them changed, reads or fails but never traps")
    func cut() throws {
        var generator = SeededGenerator(seed: 11)
        let samples = try Samples(
            type: .uint16, bands: 2, rows: 17, columns: 19,
            bytes: (0..<2 * 17 * 19 * 2).map { _ in UInt8.random(in: 0...255, using: &generator) })
        var description = FrameDescription(sensor: "s", bandNames: ["a", "b"])
        description.georeference = GeoReference(epsg: 32_631, transform: [10, 0, 0, 0, -10, 0])
        try RasterWriter.writeCOG(try Frame(description: description, samples: samples), to: folder.file("a.tif"))
        let whole = try [UInt8](Data(contentsOf: URL(filePath: folder.file("a.tif"))))
        for length in stride(from: 0, to: whole.count - 1, by: 7) {
            let path = try write(Array(whole[..<length]))
            #expect(throws: RasterError.self, "cut at \(length) of \(whole.count)") { _ = try RasterReader.read(path) }
        }
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<600, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let path = try write(bytes)
            if let raster = try? RasterReader.read(path, limits: RasterLimits(size: 1 << 20)) {
                #expect(raster.frame.samples.bytes.count <= 1 << 20)
            }
        }
    }
}
