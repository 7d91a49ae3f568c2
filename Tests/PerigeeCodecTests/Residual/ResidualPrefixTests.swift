import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("parts of residual layers")
struct ResidualPrefixTests {
    @Test("every prefix decodes: what it reaches is exact, the rest is the transform's")
    func everyPrefix() throws {
        for (pattern, rows, columns) in [(Pattern.scenery, 12, 17), (.holesByBand, 9, 14)] {
            let frame = try ResidualCase(pattern, type: .uint16, bands: 3, rows: rows, columns: columns, seed: 2)
            let layers = try frame.encode([200, 400], .lossless).layers
            let decoder = try frame.decoder()
            let coarse = numbers(try decoder.decode(layers: layers.prefix(2).map { $0[...] }))
            let original = numbers(frame.original)
            var reached = 0
            for size in 0...layers[2].count {
                let decoded = numbers(
                    try decoder.decode(layers: [layers[0][...], layers[1][...], layers[2][..<size]]))
                let exact = zip(decoded, original).prefix { $0 == $1 }.count
                #expect(decoded[exact...].elementsEqual(coarse[exact...]) || exact >= reached)
                // bands follow each other in coding order, which here is that of the samples
                let split = (0...decoded.count).first { split in
                    decoded[..<split].elementsEqual(original[..<split])
                        && decoded[split...].elementsEqual(coarse[split...])
                }
                #expect(split != nil, "\(size) octets")
                #expect(exact >= reached, "\(size) octets")
                reached = exact
            }
            #expect(reached == original.count)
            for layer in 0..<2 {
                for size in 0..<layers[layer].count {
                    let prefix = layers.prefix(layer).map { $0[...] } + [layers[layer][..<size]]
                    #expect(try decoder.decode(layers: prefix).bytes.count == frame.original.bytes.count)
                }
            }
        }
    }

    @Test(
        "a frame that reserves a residual layer decodes without it, and gets it later from the same samples and budgets"
    )
    func reserved() throws {
        for (type, rows, columns) in [(SampleType.uint16, 40, 61), (.uint8, 300, 530), (.int16, 1, 1)] {
            let frame = try ResidualCase(.holes, type: type, bands: 2, rows: rows, columns: columns, seed: 3)
            let encoder = try FrameEncoder(model: model(), stream: frame.stream, lanes: 1)
            let budgets = [4_000, 9_000]
            let reserved = try encoder.encode(frame.original, budgets: budgets, reservesResidual: true)
            let whole = try encoder.encode(frame.original, budgets: budgets, bound: .lossless)
            #expect(reserved.layers.count == 2 && reserved.size <= 9_000)
            #expect(reserved.layers == Array(whole.layers.prefix(2)))
            let decoder = try frame.decoder()
            let decoded = try decoder.decode(layers: reserved.layers.map { $0[...] })
            #expect(decoded.bytes.count == frame.original.bytes.count)
            let restored = try decoder.decode(layers: (reserved.layers + whole.layers.suffix(1)).map { $0[...] })
            #expect(numbers(restored) == numbers(frame.original))
        }
    }

    @Test("frames of several tiles: cut anywhere, whole tiles are exact and the others the transform's")
    func tilesCut() throws {
        let frame = try ResidualCase(.holes, type: .int16, bands: 2, rows: 300, columns: 1_100, seed: 9)
        let layers = try frame.encode([20_000], .uniform(1), lanes: 2).layers
        let decoder = try frame.decoder(lanes: 2)
        let coarse = numbers(try decoder.decode(layers: [layers[0][...]]))
        let original = numbers(frame.original)
        for size in stride(from: 0, through: layers[1].count, by: 1 + layers[1].count / 23) {
            let decoded = numbers(try decoder.decode(layers: [layers[0][...], layers[1][..<size]]))
            let isFine = zip(zip(decoded, coarse), original).allSatisfy { pair, original in
                pair.0 == pair.1 || (pair.0 - original).magnitude <= 1
            }
            #expect(isFine, "\(size) octets")
        }
    }

    @Test("a window is the same samples as in the whole frame", arguments: 0..<8)
    func windows(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 40)
        let (rows, columns) = [(300, 1_300), (800, 530), (40, 61), (1, 1_600)][seed % 4]
        let frame = try ResidualCase(
            Pattern.allCases[seed % Pattern.allCases.count], type: seed % 2 == 0 ? .uint16 : .uint8, bands: 2,
            rows: rows, columns: columns, seed: UInt64(seed))
        var layers = try frame.encode([60_000], seed % 3 == 0 ? .uniform(2) : .lossless, lanes: 2).layers.map {
            $0[...]
        }
        if seed % 4 == 3 { layers[1] = layers[1].prefix(layers[1].count / 2) }
        let decoder = try frame.decoder(lanes: 2)
        let whole = try decoder.decode(layers: layers)
        for _ in 0..<4 {
            let window = WindowTests.window(rows: rows, columns: columns, using: &generator)
            let part = try decoder.decode(layers: layers, window: window)
            var expected: [UInt8] = []
            for band in 0..<2 {
                for row in window.y..<window.y + window.height {
                    let start = ((band * rows + row) * columns + window.x) * whole.type.size
                    expected += whole.bytes[start..<start + window.width * whole.type.size]
                }
            }
            #expect(part.bytes == expected, "\(window)")
            #expect(try decoder.tiles(for: window, layers: layers).count <= decoder.tileCount)
        }
    }

    @Test("a residual on other transform layers than its own is refused")
    func recut() throws {
        let frame = try ResidualCase(.scenery, type: .uint16, bands: 2, rows: 40, columns: 50, seed: 7)
        let layers = try frame.encode([300, 900], .lossless).layers
        let decoder = try frame.decoder()
        let bad: [([[UInt8]], String)] = [
            ([layers[0], [], layers[2]], "transform layers of a residual is "),
            ([layers[0], Array(layers[1].dropLast()), layers[2]], "transform layers of a residual is "),
            ([[], [], layers[2]], "layer 2 is a residual layer without any transform layer"),
            ([layers[2]], "layer 0 is a residual layer without any transform layer"),
            (layers + [[1]], "layer 3 is octets behind the residual layer"),
        ]
        for (layers, text) in bad {
            let layers = layers.map { $0[...] }
            let refusal = try #require(throws: CodecError.self) { try decoder.decode(layers: layers) }
            #expect(refusal.description.hasPrefix(text), "\(refusal)")
            #expect(throws: refusal) {
                try decoder.decode(layers: layers, window: FrameWindow(x: 0, y: 0, width: 2, height: 2))
            }
        }
        #expect(try decoder.decode(layers: layers.prefix(2).map { $0[...] }).bytes.count == frame.original.bytes.count)
    }

    @Test("damaged octets give samples or a typed error, never a trap", arguments: 0..<40)
    func damage(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 4_000)
        let (rows, columns) = seed % 2 == 0 ? (40, 50) : (30, 1_100)
        let types: [SampleType] = [.uint8, .uint16, .int16, .int32, .float32]
        let frame = try ResidualCase(
            Pattern.allCases[seed % 7], type: types[seed % 5], bands: 3, rows: rows, columns: columns,
            seed: UInt64(seed))
        var layers = try frame.encode([3_000], .uniform(2)).layers
        for _ in 0..<Int.random(in: 1...20, using: &generator) where !layers[1].isEmpty {
            layers[1][Int.random(in: 0..<layers[1].count, using: &generator)] ^=
                UInt8.random(in: 1...255, using: &generator)
        }
        let decoder = try frame.decoder()
        do throws(CodecError) {
            let decoded = try decoder.decode(layers: layers.map { $0[...] })
            #expect(decoded.bytes.count == frame.original.bytes.count)
            let missing = numbers(frame.original).map { $0.isNaN || $0 == frame.nodata }
            #expect(numbers(decoded).map { $0.isNaN || $0 == frame.nodata } == missing)
        } catch {
            #expect(!error.description.isEmpty)
        }
    }
}
