import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("references")
struct ReferenceTests {
    private func samples(_ values: [UInt16], bands: Int = 1, rows: Int, columns: Int) throws -> Samples {
        try Samples(type: .uint16, bands: bands, rows: rows, columns: columns, bytes: octets(values))
    }

    private func reference(
        _ parts: [(Samples, StreamDescription, Int, Int)], mix: Int = 0, of stream: StreamDescription
    ) throws -> FrameReference {
        try FrameReference(
            parts.map { .init(samples: $0.0, stream: $0.1, row: $0.2, column: $0.3) }, mix: mix, of: stream,
            model: model())
    }

    @Test("the hash is the one that it always was")
    func hash() throws {
        let pair = try HistoryPair(bands: 4, rows: 17, columns: 23, seed: 7, hasHoles: true)
        #expect(pair.reference.hash == 2_443_423_176)
        let shifted = try reference(
            [(pair.old, pair.stream, 3, -5), (pair.new, pair.stream, -2, 4)], of: pair.stream)
        #expect(shifted.hash == 3_107_893_343)
    }

    @Test("at each place the first frame with a valid sample there counts, wherever its grid begins")
    func firstCounts() throws {
        let narrow = try stream(bands: bands(1), rows: 2, columns: 3, nodata: 0)
        let first = try samples([11, 0, 13, 0, 15, 16], rows: 2, columns: 3)
        let second = try samples([21, 22, 23, 24, 25, 26], rows: 2, columns: 3)
        let assembled = try reference([(first, narrow, 0, 0), (second, narrow, -1, 1)], of: narrow)
        // the second one's lower row lies one to the right in the upper row
        // only (1, 0) is covered by none: filled with the mean of its neighbours in the cell, (11 + 24 + 15) / 3
        #expect((assembled.coverage - 5.0 / 6).magnitude < 1e-12)
        let other = try reference(
            [(try samples([11, 24, 13, 0, 15, 16], rows: 2, columns: 3), narrow, 0, 0)], of: narrow)
        #expect(assembled.hash == other.hash)
        #expect(try assembled.hash != reference([(second, narrow, -1, 1), (first, narrow, 0, 0)], of: narrow).hash)
    }

    @Test("where two frames are valid the second has its quarters, a third none", arguments: [0, 1, 2])
    func mixed(mix: Int) throws {
        let row = try stream(bands: [Band(name: "x")], rows: 1, columns: 6, nodata: 0)
        let first = try samples([100, 0, 300, 400, 0, 0], rows: 1, columns: 6)
        let second = try samples([200, 60, 0, 420, 0, 0], rows: 1, columns: 6)
        let third = try samples([9_000, 20, 340, 9_000, 7, 8], rows: 1, columns: 6)
        let made = try reference(
            [(first, row, 0, 0), (second, row, 0, 0), (third, row, 0, 0)], mix: mix, of: row)
        let quarter = UInt16(mix)
        let expected = try samples(
            [100 + 25 * quarter, 60 - 10 * quarter, 300 + 10 * quarter, 400 + 5 * quarter, 7, 8], rows: 1, columns: 6)
        #expect(made.coverage == 1)
        #expect(try made.hash == reference([(expected, row, 0, 0)], of: row).hash)
    }

    @Test("the encoder finds how much of each of two frames is in a third", arguments: 0...4)
    func quarters(share: Int) throws {
        let pair = try HistoryPair(bands: 3, rows: 20, columns: 41, seed: 5)
        let mixture = zip(numbers(pair.old), numbers(pair.new)).map { old, new in
            UInt16((old * Double(4 - share) + new * Double(share)) / 4)
        }
        let frame = try samples(mixture, bands: 3, rows: 20, columns: 41)
        let (old, new) = (pair.reference, try reference([(pair.new, pair.stream, 0, 0)], of: pair.stream))
        #expect(try pair.encoder.quarters(of: new, beside: old, to: frame) == share)
        #expect(try pair.encoder.quarters(of: old, beside: new, to: frame) == 4 - share)
        #expect(try pair.encoder.quarters(of: old, beside: old, to: frame) == 0)
    }

    @Test("a band comes from the one of its name, else from the nearest in wavelength, else it is unknown")
    func bandsMatch() throws {
        let own = try stream(bands: sampleBands + [Band(name: "thermal")], rows: 1, columns: 1, nodata: 0)
        let theirs = [
            Band(name: "red", centerWavelength: 0.66), Band(name: "thermal"), Band(name: "nir", centerWavelength: 0.84),
            Band(name: "blue", centerWavelength: 0.9),
        ]
        let other = try stream(bands: theirs, rows: 1, columns: 1, nodata: 0)
        let coverage = { (values: [UInt16]) in
            try reference([(samples(values, bands: 4, rows: 1, columns: 1), other, 0, 0)], of: own).coverage
        }
        #expect(try coverage([66, 70, 84, 90]) == 1)
        // without red there is neither green nor edge, at 0.72; without blue neither blue, by its name, nor swir
        #expect(try coverage([0, 70, 84, 90]) == 3.0 / 5)
        #expect(try coverage([66, 70, 84, 0]) == 3.0 / 5)
        #expect(try coverage([66, 0, 84, 90]) == 4.0 / 5)
        #expect(try coverage([66, 70, 0, 90]) == 1)
        let unknown = try stream(bands: [Band(name: "x")], rows: 1, columns: 1)
        let nothing = try reference([(samples([5], rows: 1, columns: 1), unknown, 0, 0)], of: own)
        #expect(try nothing.coverage == 0 && nothing.hash == reference([], of: own).hash)
    }

    @Test(
        "offsets of any size cover nothing, and do not trap",
        arguments: [Int.min, -1 << 62, -24, 17, 1 << 62, .max], [0, Int.min, -1 << 62, 23, 1 << 62, .max])
    func farAway(row: Int, column: Int) throws {
        let pair = try HistoryPair(bands: 2, rows: 17, columns: 23, seed: 1)
        for (row, column) in [(row, column), (column, row)] where row != 0 || column != 0 {
            let made = try reference([(pair.old, pair.stream, row, column)], of: pair.stream)
            let isOutside = row <= -17 || row >= 17 || column <= -23 || column >= 23
            #expect((made.coverage == 0) == isOutside)
            #expect(try !isOutside || made.hash == reference([], of: pair.stream).hash)
        }
    }

    @Test("five frames, verbatim streams and samples of another stream are refused by name")
    func refused() throws {
        let pair = try HistoryPair(bands: 2, rows: 8, columns: 9, seed: 1)
        let part = (pair.old, pair.stream, 0, 0)
        _ = try reference(Array(repeating: part, count: 4), of: pair.stream)
        #expect { try reference(Array(repeating: part, count: 5), of: pair.stream) } throws: {
            "\($0)".contains("frames of a reference is 5")
        }
        #expect { try reference([part, part], mix: 3, of: pair.stream) } throws: {
            "\($0)".contains("quarters of a second reference is 3")
        }
        #expect(throws: CodecError.self) { try reference([part, part], mix: -1, of: pair.stream) }
        let wide = try HistoryPair(bands: 2, rows: 8, columns: 10, seed: 1)
        #expect(throws: CodecError.self) {
            try pair.encoder.quarters(of: wide.reference, beside: pair.reference, to: pair.new)
        }
        var declaration = pair.stream.declaration
        declaration.coding = .verbatim
        let verbatim = try StreamDescription(declaration, profiles: [])
        #expect { try reference([part], of: verbatim) } throws: { "\($0)".contains("verbatim") }
        let claimed = try stream(bands: bands(3), rows: 1 << 20, columns: 1 << 20)
        #expect { try reference([part], of: claimed) } throws: { "\($0)".contains("frame octets") }
        let other = try HistoryPair(bands: 2, rows: 9, columns: 8, seed: 1)
        #expect(throws: CodecError.self) { try reference([(other.old, pair.stream, 0, 0)], of: pair.stream) }
        let floats = try PerigeeCodecTests.samples(.scenery, type: .float32, bands: 2, rows: 8, columns: 9, seed: 1)
        #expect(throws: CodecError.self) { try reference([(floats.samples, pair.stream, 0, 0)], of: pair.stream) }
    }
}
