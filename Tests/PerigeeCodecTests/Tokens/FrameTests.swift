import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("frames")
struct FrameTests {
    static let shapes = [(1, 1, 1), (2, 1, 9), (3, 7, 1), (4, 17, 23), (5, 64, 33)]

    @Test("samples of every type and shape come back, masks exactly", arguments: SampleType.allCases, Pattern.allCases)
    func comeBack(type: SampleType, pattern: Pattern) throws {
        for (seed, shape) in Self.shapes.enumerated() {
            let (original, nodata) = try samples(
                pattern, type: type, bands: shape.0, rows: shape.1, columns: shape.2, seed: UInt64(seed))
            let peak = type == .uint8 ? 255.0 : (type == .float32 ? 3 : 10_000)
            let stream = try stream(
                bands: bands(shape.0), rows: shape.1, columns: shape.2, type: type, peak: peak, nodata: nodata)
            let encoder = try FrameEncoder(model: model(), stream: stream, lanes: 1)
            let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
            let frame = try encoder.encode(original, budgets: [1 << 30])
            let decoded = try decoder.decode(layers: frame.layers.map { $0[...] })
            for (index, (before, after)) in zip(numbers(original), numbers(decoded)).enumerated() {
                let isMissing = before.isNaN || before == nodata
                guard isMissing == (after.isNaN || after == nodata) else {
                    Issue.record("\(shape) at \(index): \(before) became \(after)")
                    return
                }
                // Coefficients are cut to units of peak / 10,000; values beyond 105 times the peak are clipped.
                guard isMissing || before.magnitude > 100 * peak || (before - after).magnitude <= peak / 500 + 0.5
                else {
                    Issue.record("\(shape) at \(index): \(before) became \(after)")
                    return
                }
            }
        }
    }

    @Test("budgets are met from below and never exceeded", arguments: 0..<40)
    func budgets(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let shapes = [(3, 40, 61), (1, 700, 530), (2, 300, 1_300), (12, 64, 64), (1, 1_100, 1_100)]
        let shape = shapes[seed % shapes.count]
        let pattern = Pattern.allCases[seed % Pattern.allCases.count]
        let (original, nodata) = try samples(
            pattern, type: .uint16, bands: shape.0, rows: shape.1, columns: shape.2, seed: UInt64(seed))
        let stream = try stream(bands: bands(shape.0), rows: shape.1, columns: shape.2, nodata: nodata)
        let encoder = try FrameEncoder(model: model(), stream: stream, lanes: 2)
        var budgets = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            Int.random(in: 0...original.bytes.count / 8, using: &generator)
        }.sorted()
        budgets[budgets.count - 1] = max(budgets[budgets.count - 1], 9_000)
        let frame = try encoder.encode(original, budgets: budgets)
        #expect(frame.layers.count == budgets.count)
        var size = 0
        // Nothing is left to say where more room adds nothing.
        let isWhole = try encoder.encode(original, budgets: [(budgets.last ?? 0) + 100]).size == frame.size
        for (layer, budget) in zip(frame.layers, budgets) {
            size += layer.count
            #expect(size <= budget, "seed \(seed)")
            let isDone = isWhole && size == frame.size
            #expect(size >= budget - max(budget * 3 / 100, 4) || isDone || budget < frame.smallestSize, "seed \(seed)")
        }
    }

    @Test(
        "a last budget below the smallest size is refused with that size",
        arguments: [Pattern.scenery, .holes, .holesByBand])
    func tooSmall(pattern: Pattern) throws {
        for (rows, columns) in [(40, 30), (600, 800)] {
            let (original, nodata) = try samples(
                pattern, type: .uint16, bands: 2, rows: rows, columns: columns, seed: 1)
            let stream = try stream(bands: bands(2), rows: rows, columns: columns, nodata: nodata)
            let encoder = try FrameEncoder(model: model(), stream: stream, lanes: 2)
            let refusal = try #require(throws: CodecError.self) { try encoder.encode(original, budgets: [0]) }
            guard case .overBudget(0, let smallest) = refusal else {
                Issue.record("refused as \(refusal)")
                return
            }
            #expect(throws: CodecError.overBudget(budget: smallest - 1, smallest: smallest)) {
                try encoder.encode(original, budgets: [smallest - 1])
            }
            let frame = try encoder.encode(original, budgets: [0, smallest - 1, smallest])
            #expect(frame.layers.map(\.count) == [0, 0, smallest])
            let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
            let decoded = try decoder.decode(layers: frame.layers.map { $0[...] })
            let missing = numbers(original).map { $0 == nodata }
            #expect(numbers(decoded).map { $0 == nodata } == missing)
        }
    }

    @Test("budgets of any size are understood: without end, and below nothing", arguments: [40, 800])
    func extremeBudgets(columns: Int) throws {
        let (original, _) = try samples(.scenery, type: .uint16, bands: 2, rows: 8, columns: columns, seed: 5)
        let encoder = try FrameEncoder(
            model: model(), stream: stream(bands: bands(2), rows: 8, columns: columns), lanes: 1)
        let frame = try encoder.encode(original, budgets: [.min, -1, 500, .max, .max])
        #expect(frame.layers.map(\.isEmpty) == [true, true, false, false, true])
        #expect(throws: CodecError.self) { try encoder.encode(original, budgets: [.min]) }
        #expect(throws: CodecError.self) { try encoder.encode(original, budgets: []) }
    }

    @Test("the count of lanes does not change the octets or the samples")
    func lanes() throws {
        let (original, nodata) = try samples(.holes, type: .uint16, bands: 3, rows: 1_100, columns: 800, seed: 4)
        let stream = try stream(bands: bands(3), rows: 1_100, columns: 800, nodata: nodata)
        var frames: [EncodedFrame] = []
        var decoded: [Samples] = []
        for lanes in [1, 2, 5] {
            let encoder = try FrameEncoder(model: model(), stream: stream, lanes: lanes)
            frames.append(try encoder.encode(original, budgets: [9_000, 30_000, 200_000]))
            let decoder = try FrameDecoder(model: model(), stream: stream, lanes: lanes)
            decoded.append(try decoder.decode(layers: frames[0].layers.map { $0[...] }))
        }
        #expect(frames[1] == frames[0] && frames[2] == frames[0])
        #expect(decoded[1] == decoded[0] && decoded[2] == decoded[0])
    }

    @Test("the order of bands in the samples does not change the octets")
    func bandOrder() throws {
        let original = try scenery(bands: 4, rows: 50, columns: 60, seed: 3)
        let order = [2, 0, 3, 1]
        let size = original.bytes.count / 4
        let shuffled = try Samples(
            type: .uint16, bands: 4, rows: 50, columns: 60,
            bytes: order.flatMap { original.bytes[$0 * size..<($0 + 1) * size] })
        let first = try FrameEncoder(
            model: model(), stream: stream(bands: sampleBands, rows: 50, columns: 60), lanes: 1)
        let second = try FrameEncoder(
            model: model(), stream: stream(bands: order.map { sampleBands[$0] }, rows: 50, columns: 60), lanes: 1)
        #expect(try first.encode(original, budgets: [500, 5_000]) == second.encode(shuffled, budgets: [500, 5_000]))
    }

    @Test("the last layer at hand may be cut anywhere")
    func cutLayers() throws {
        let (original, _) = try samples(.scenery, type: .uint16, bands: 2, rows: 700, columns: 900, seed: 8)
        let stream = try stream(bands: bands(2), rows: 700, columns: 900)
        let encoder = try FrameEncoder(model: model(), stream: stream, lanes: 2)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
        let frame = try encoder.encode(original, budgets: [300, 2_000, 20_000])
        var before = Double.infinity
        for count in 0...3 {
            let error = meanSquaredError(
                original, try decoder.decode(layers: frame.layers.prefix(count).map { $0[...] }))
            #expect(error < before)
            before = error
        }
        for layer in 0..<3 {
            for cut in stride(from: 0, to: frame.layers[layer].count, by: 1 + frame.layers[layer].count / 9) {
                let layers = frame.layers.prefix(layer).map { $0[...] } + [frame.layers[layer][..<cut]]
                #expect(meanSquaredError(original, try decoder.decode(layers: layers)).isFinite)
            }
        }
    }

    @Test("damaged and random octets give samples or a typed error, never a trap", arguments: 0..<60)
    func damage(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 1_000)
        let (rows, columns) = seed % 2 == 0 ? (40, 50) : (300, 1_100)
        let (original, nodata) = try samples(
            Pattern.allCases[seed % 7], type: .uint16, bands: 3, rows: rows, columns: columns, seed: UInt64(seed))
        let stream = try stream(bands: bands(3), rows: rows, columns: columns, nodata: nodata)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
        let encoder = try FrameEncoder(model: model(), stream: stream, lanes: 2)
        var layers = try encoder.encode(original, budgets: [2_000, 30_000]).layers
        for _ in 0..<Int.random(in: 1...20, using: &generator) {
            let layer = Int.random(in: 0..<2, using: &generator)
            guard !layers[layer].isEmpty else { continue }
            layers[layer][Int.random(in: 0..<layers[layer].count, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
        }
        let garbage = (0..<3).map { _ in (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &generator) } }
        for octets in [layers, garbage] {
            do throws(CodecError) {
                let decoded = try decoder.decode(layers: octets.map { $0[...] })
                #expect(decoded.bytes.count == original.bytes.count)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test("the account of octets adds up to the size of the frame")
    func account() throws {
        for (rows, columns) in [(40, 60), (600, 800)] {
            let (original, nodata) = try samples(.holes, type: .uint16, bands: 2, rows: rows, columns: columns, seed: 2)
            let stream = try stream(bands: bands(2), rows: rows, columns: columns, nodata: nodata)
            let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(
                original, budgets: [3_000, 8_000])
            let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
            let account = try decoder.account(layers: frame.layers.map { $0[...] })
            // Each tile ends inside of a decision that its octets leave open.
            #expect((account.total - Double(frame.size)).magnitude < 8)
            #expect(account.mask > 1 && account.significance > account.signs && account.flags > 0)
        }
    }

    @Test("verbatim streams come back octet by octet, whatever the budgets")
    func verbatim() throws {
        let (original, _) = try samples(.noise, type: .int16, bands: 2, rows: 20, columns: 30, seed: 6)
        let profile = SensorProfile(name: "codes", bands: bands(2), sampleType: .int16, peak: 1)
        var declaration = StreamDeclaration(firmware: 1, profile: .inline(profile), rows: 20, columns: 30)
        declaration.coding = .verbatim
        let stream = try StreamDescription(declaration, profiles: [])
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(original, budgets: [1, 2])
        #expect(frame.layers.count == 2 && frame.layers[1].isEmpty && frame.smallestSize == frame.size)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
        #expect(try decoder.decode(layers: frame.layers.map { $0[...] }) == original)
        for cut in 0..<frame.layers[0].count {
            #expect(throws: CodecError.self) { try decoder.decode(layers: [frame.layers[0][..<cut]]) }
        }
    }
}
