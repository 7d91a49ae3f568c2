import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("limits of frames")
struct FrameLimitTests {
    @Test(
        "a declaration that claims more than the limit is refused before anything is made for it",
        arguments: [(1_024, 1 << 20, 1 << 20), (1, 1 << 20, 1 << 20), (1_024, 1 << 20, 1), (3, 1 << 13, 1 << 13)])
    func hostileShape(bands count: Int, rows: Int, columns: Int) throws {
        let stream = try stream(bands: bands(count), rows: rows, columns: columns)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
        let refusal = #expect(throws: CodecError.self) { try decoder.decode(layers: []) }
        guard case .format(.outOfRange(field: "frame octets", value: _, limit: FrameDecoder.sampleLimit)) = refusal
        else {
            Issue.record("refused as \(String(describing: refusal))")
            return
        }
    }

    @Test("many bands of 8 bits in one tile are refused before the memory for them is taken")
    func hostileBands() throws {
        // 240 MiB of samples, within the limit; workspaces for them would be 2 GiB beside 1 GiB of coefficients
        let stream = try stream(bands: bands(960), rows: 512, columns: 512, type: .uint8, peak: 255)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 4)
        for refusal in [
            #expect(throws: CodecError.self) { try decoder.decode(layers: []) },
            #expect(throws: CodecError.self) { try decoder.intervals(layers: []) },
            #expect(throws: CodecError.self) {
                try decoder.decode(layers: [], window: FrameWindow(x: 0, y: 0, width: 1, height: 1))
            },
        ] {
            guard
                case .outOfRange(field: "memory for decoding, octets", _, limit: 8 * FrameDecoder.sampleLimit) = refusal
            else {
                Issue.record("refused as \(String(describing: refusal))")
                continue
            }
        }
        let few = try PerigeeCodecTests.stream(bands: bands(2), rows: 512, columns: 512, type: .uint8, peak: 255)
        let allowed = try FrameDecoder(model: model(), stream: few, lanes: 4, sampleLimit: 1 << 20)
        #expect(try allowed.decode(layers: []).bytes.count == 2 * 512 * 512)
    }

    @Test("a tile that is too large is refused, though the window in it is small")
    func hostileTile() throws {
        let stream = try stream(bands: bands(1_024), rows: 1 << 20, columns: 1 << 20)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
        #expect(throws: CodecError.self) { try decoder.account(layers: [[14, 1, 2]]) }
        let window = FrameWindow(x: 5, y: 7, width: 3, height: 2)
        #expect(throws: CodecError.self) { try decoder.decode(layers: [[14, 1, 2]], window: window) }
    }

    @Test("a workspace made for the corners holds every tile", arguments: [767, 1_025, 1_279, 1_280])
    func workspaces(size: Int) {
        let grid = TileGrid(rows: size, columns: size + 300)
        let levels = WaveletGeometry(rows: grid.rows, columns: grid.columns).levels
        let pair = TokenPair(components: 1, rows: grid.rows, columns: grid.columns)
        // an empty prefix begins every tile, which traps where the workspace is too small
        let decoded = pair.decoder.decode([[UInt8]](repeating: [], count: grid.count), hasMask: false, scale: 1)
        #expect(decoded.coefficients.values.allSatisfy { $0 == 0 } && levels == 9)
    }

    @Test(
        "many bands, long rows and odd tile borders come back, masks exactly",
        arguments: [
            (65, 9, 7), (392, 12, 10), (1_024, 3, 2), (1, 1, 100_000), (1, 70_000, 1), (1, 767, 768), (1, 1_023, 5),
            (2, 5, 1_024), (1, 1_025, 767), (1, 1_279, 1_280),
        ])
    func oddShapes(bands count: Int, rows: Int, columns: Int) throws {
        let (original, nodata) = try samples(
            .holesByBand, type: .int16, bands: count, rows: rows, columns: columns, seed: 3)
        let stream = try stream(
            bands: bands(count), rows: rows, columns: columns, type: .int16, nodata: nodata)
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 3).encode(
            original, budgets: [1 << 16, 1 << 30])
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 3)
        let decoded = numbers(try decoder.decode(layers: frame.layers.map { $0[...] }))
        let before = numbers(original)
        #expect(zip(before, decoded).allSatisfy { ($0 == nodata) == ($1 == nodata) })
        #expect(zip(before, decoded).allSatisfy { $0 == nodata || ($0 - $1).magnitude < 25 })
        #expect(try decoder.decode(layers: [frame.layers[0][...]]).bytes.count == original.bytes.count)
    }

    @Test(
        "tiles cover a frame without gap, and only the last may differ",
        arguments: [
            (1, 1), (255, 1), (512, 1), (767, 1), (768, 2), (1_023, 2), (1_024, 2), (1_279, 2), (1_280, 3),
            (1 << 20, 2_048),
        ])
    func tiles(size: Int, count: Int) {
        let grid = TileGrid(rows: size, columns: 1)
        #expect(grid.count == count)
        #expect(
            (0..<count).reduce(0) { $0 == grid.rowRange($1).lowerBound ? grid.rowRange($1).upperBound : -1 } == size)
        #expect(count == 1 || (256...767).contains(grid.rowRange(count - 1).count))
    }

    @Test("one encoder and one decoder serve several threads", arguments: [1, 3])
    func sharedByThreads(lanes: Int) async throws {
        let (original, nodata) = try samples(.holes, type: .uint16, bands: 2, rows: 800, columns: 1_100, seed: 7)
        let stream = try stream(bands: bands(2), rows: 800, columns: 1_100, nodata: nodata)
        let expected = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(original, budgets: [20_000])
        let layers = expected.layers.map { $0[...] }
        let decoded = try FrameDecoder(model: model(), stream: stream, lanes: 1).decode(layers: layers)
        let encoder = try FrameEncoder(model: model(), stream: stream, lanes: lanes)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: lanes)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask { try encoder.encode(original, budgets: [20_000]) == expected }
                group.addTask { try decoder.decode(layers: layers) == decoded }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }

    @Test(
        "tiny budgets of frames of several tiles are met from below",
        arguments: Array(10...40) + [60, 90, 140, 300, 700])
    func tinyBudgets(budget: Int) throws {
        for (rows, columns, pattern) in [(600, 1_300, Pattern.scenery), (1_100, 1_100, .noise)] {
            let (original, _) = try samples(pattern, type: .uint16, bands: 2, rows: rows, columns: columns, seed: 5)
            let stream = try stream(bands: bands(2), rows: rows, columns: columns)
            let frame = try FrameEncoder(model: model(), stream: stream, lanes: 2).encode(
                original, budgets: [budget / 2, budget])
            #expect(frame.layers[0].count <= budget / 2 && frame.size <= budget)
            #expect(frame.size >= budget - max(budget * 3 / 100, 4), "\(frame.size) of \(budget)")
        }
    }

    @Test("samples that the format clips are counted, and only those")
    func clipped() throws {
        let values: [Float] = [0, 1, -104, 104, 105, -106, 300, .nan, 1e30, 2]
        let original = try Samples(type: .float32, bands: 1, rows: 2, columns: 5, bytes: octets(values))
        let stream = try stream(bands: bands(1), rows: 2, columns: 5, type: .float32, peak: 1)
        let encoder = try FrameEncoder(model: model(), stream: stream, lanes: 1)
        #expect(try encoder.clippedCount(original) == 4)
        let frame = try encoder.encode(original, budgets: [1 << 20])
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
        let decoded = numbers(try decoder.decode(layers: frame.layers.map { $0[...] }))
        let limit = 106.0
        for (before, after) in zip(values, decoded) where !before.isNaN {
            let expected = max(-limit, min(limit, Double(before)))
            #expect((after - expected).magnitude < 1.5, "\(before) became \(after)")
        }
    }

    @Test("sixteen bits under the usual peak are never clipped")
    func unclipped() throws {
        let (original, _) = try samples(.extremes, type: .uint16, bands: 2, rows: 4, columns: 5, seed: 1)
        let encoder = try FrameEncoder(model: model(), stream: stream(bands: bands(2), rows: 4, columns: 5), lanes: 1)
        #expect(try encoder.clippedCount(original) == 0)
    }
}
