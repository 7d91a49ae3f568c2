import PerigeeCore
import PerigeeTestSupport
import Testing

private typealias Reference = FrameMetadata.Reference

private let declared = StreamDeclaration(firmware: 1, profile: .known(index: 0, bands: nil), rows: 4, columns: 5)

private func packed(_ metadata: FrameMetadata) -> [UInt8] {
    var writer = ByteWriter()
    metadata.pack(into: &writer, declaration: declared)
    return writer.bytes
}

private func parsed(_ octets: [UInt8]) throws(FormatError) -> FrameMetadata {
    var reader = ByteReader(octets)
    return try FrameMetadata(parsing: &reader, declaration: declared)
}

@Suite("references of a frame")
struct ReferencesTests {
    @Test(
        "they come back",
        arguments: [
            [(1, 1)], [(12, 3), (1, 15)], [(0, 1)], [(1 << 48, 15)], [(7, 2), (8, 1), (0, 4), (1 << 47, 9)],
        ] as [[(UInt64, Int)]])
    func roundTrip(frames: [(UInt64, Int)]) throws {
        var metadata = FrameMetadata()
        metadata.place = "field 3"
        metadata.references = .init(
            frames: frames.map { Reference(back: $0.0, layers: $0.1) }, hash: 0x8000_0001)
        let octets = packed(metadata)
        #expect(try parsed(octets) == metadata)
        for count in 0..<octets.count {
            #expect(throws: FormatError.self, "\(count) octets") { try parsed(Array(octets[..<count])) }
        }
    }

    @Test(
        "their octets are those of the page: count + 8 x quarters, back x 16 + layers - 1 each, and one hash",
        arguments: [(0, 2), (1, 10), (2, 18)])
    func octets(mix: Int, shape: UInt8) throws {
        var metadata = FrameMetadata()
        metadata.references = .init(
            frames: [Reference(back: 1, layers: 3), Reference(back: 20, layers: 15)], mix: mix, hash: 0x0403_0201)
        #expect(packed(metadata) == [0x80, shape, 0x12, 0xCE, 0x02, 1, 2, 3, 4])
        #expect(try parsed(packed(metadata)) == metadata)
    }

    @Test(
        "five, quarters of a second that is not there or too many, sixteen layers and frames too far back are refused",
        arguments: [
            [0x80, 8, 1, 2, 3, 4], [0x80, 9, 16, 1, 2, 3, 4], [0x80, 13, 16, 16, 16, 16, 16, 1, 2, 3, 4],
            [0x80, 26, 16, 32, 1, 2, 3, 4],
            [0x80, 5, 16, 16, 16, 16, 16, 1, 2, 3, 4], [0x80, 1, 0x1F, 1, 2, 3, 4],
            // back = 2^48 + 1, and the greatest number of 64 bits
            [0x80, 1, 0x90, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08, 1, 2, 3, 4],
            [0x80, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 1, 2, 3, 4],
            // a needless octet
            [0x80, 1, 0x90, 0x00, 1, 2, 3, 4],
        ] as [[UInt8]])
    func refused(octets: [UInt8]) {
        #expect(throws: FormatError.self) { try parsed(octets) }
    }

    @Test("2^48 frames back is the limit")
    func limit() throws {
        let found = try parsed([0x80, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08, 1, 2, 3, 4])
        #expect(found.references?.frames == [Reference(back: 1 << 48, layers: 1)])
    }

    @Test("a plain frame says which one it replaces, of its own epoch or of another")
    func replaced() throws {
        let epoch = try Epoch(bytes: 1...16)
        for (replaces, octets) in [
            (FrameMetadata.Replaced.earlier(back: 300), [0x80, 0, 0xAC, 0x02]),
            (.earlier(back: 1 << 48), [0x80, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]),
            (.other(epoch, frame: 0), [0x80, 0, 0] + epoch.bytes + [0]),
            (.other(epoch, frame: 300), [0x80, 0, 0] + epoch.bytes + [0xAC, 0x02]),
        ] as [(FrameMetadata.Replaced, [UInt8])] {
            var metadata = FrameMetadata()
            metadata.replaces = replaces
            #expect(packed(metadata) == octets)
            #expect(try parsed(octets) == metadata)
            for count in 0..<octets.count {
                #expect(throws: FormatError.self, "\(count) octets") { try parsed(Array(octets[..<count])) }
            }
        }
        #expect(FrameMetadata.Replaced.earlier(back: 3).identity(epoch: epoch, number: 3)?.number == 0)
        #expect(FrameMetadata.Replaced.earlier(back: 4).identity(epoch: epoch, number: 3) == nil)
    }

    @Test("a replaced frame more than 2^48 back, and one of another epoch from 2^62 on, are refused")
    func replacedTooFar() {
        #expect(throws: FormatError.self) { try parsed([0x80, 0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]) }
        let epoch = [UInt8](repeating: 7, count: 16)
        let far: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]
        #expect(throws: FormatError.self) { try parsed([0x80, 0, 0] + epoch + far) }
    }
}

@Suite("where an earlier frame lies")
struct GridOffsetTests {
    private let grid = StreamDeclaration.Grid(epsg: 32_631, matrix: [10, 0, 0, -10])

    private func offset(
        _ theirs: (Double, Double)?, _ ours: (Double, Double)?, grid: StreamDeclaration.Grid? = nil,
        ourGrid: StreamDeclaration.Grid? = nil, places: (String?, String?) = (nil, nil), rows: Int = 4
    ) -> GridOffset? {
        var (frame, other) = (declared, declared)
        (frame.grid, other.grid, other.rows) = (ourGrid, grid, rows)
        var (metadata, its) = (FrameMetadata(), FrameMetadata())
        metadata.origin = ours.map { .init(x: $0.0, y: $0.1) }
        its.origin = theirs.map { .init(x: $0.0, y: $0.1) }
        (its.place, metadata.place) = places
        return GridOffset(of: (other, its), in: (frame, metadata))
    }

    @Test("rows grow to the south and columns to the east")
    func wholePixels() {
        let found = offset((470, 1_000), (500, 900), grid: grid, ourGrid: grid)
        #expect(found?.row == -10 && found?.column == -3)
    }

    @Test(
        "grids shifted by half a pixel round to the even one, others to the nearest",
        arguments: [(5, 0), (15, 2), (25, 2), (-5, 0), (-15, -2), (14.9, 1), (-14.9, -1)])
    func halves(shift: Double, expected: Int) {
        #expect(offset((shift, 0), (0, 0), grid: grid, ourGrid: grid)?.column == expected)
        #expect(offset((0, -shift), (0, 0), grid: grid, ourGrid: grid)?.row == expected)
    }

    @Test("another CRS, another pixel size, pixels that are not square or turned say nothing")
    func otherGrids() {
        let others: [StreamDeclaration.Grid?] = [
            .init(epsg: 32_632, matrix: [10, 0, 0, -10]), .init(epsg: 32_631, matrix: [20, 0, 0, -20]), nil,
        ]
        for other in others { #expect(offset((0, 0), (0, 0), grid: other, ourGrid: grid) == nil) }
        for matrix in [[10, 0, 0, -20], [10, 1, 0, -10], [10, 0, 0, 10], [0, 0, 0, 0]] as [[Double]] {
            let odd = StreamDeclaration.Grid(epsg: 32_631, matrix: matrix)
            #expect(offset((0, 0), (0, 0), grid: odd, ourGrid: odd) == nil, "\(matrix)")
        }
    }

    @Test("frames too far apart for whole pixels of 31 bits say nothing")
    func far() {
        let edge = 10 * 0x1p31
        #expect(offset((edge, 0), (0, 0), grid: grid, ourGrid: grid) == nil)
        #expect(offset((0, 1e308), (0, -1e308), grid: grid, ourGrid: grid) == nil)
        #expect(offset((edge - 10, 0), (0, 0), grid: grid, ourGrid: grid)?.column == 1 << 31 - 1)
    }

    @Test("frames without an origin lie on each other where place and size are the same")
    func places() {
        let found = offset(nil, nil, places: ("a", "a"))
        #expect(found?.row == 0 && found?.column == 0)
        #expect(offset(nil, nil, places: ("a", "b")) == nil)
        #expect(offset(nil, nil, places: ("a", nil)) == nil)
        #expect(offset(nil, nil) == nil)
        #expect(offset(nil, nil, places: ("a", "a"), rows: 5) == nil)
    }

    @Test("one with and one without an origin say nothing of each other, whatever their place")
    func mixed() {
        #expect(offset((0, 0), nil, grid: grid, ourGrid: grid, places: ("a", "a")) == nil)
        #expect(offset(nil, (0, 0), grid: grid, ourGrid: grid, places: ("a", "a")) == nil)
        // an origin without a grid
        #expect(offset((0, 0), (0, 0), places: ("a", "a")) == nil)
    }
}
