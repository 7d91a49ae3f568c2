import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("frames predicted from history")
struct HistoryFrameTests {
    @Test("a frame that was seen before comes nearer for the same octets", arguments: [(4, 48, 61), (2, 20, 800)])
    func nearer(shape: (Int, Int, Int)) throws {
        let pair = try HistoryPair(bands: shape.0, rows: shape.1, columns: shape.2, seed: 3, hasHoles: true)
        let budgets = [pair.new.bytes.count / 60, pair.new.bytes.count / 15]
        let plain = try pair.encoder.encode(pair.new, budgets: budgets)
        let frame = try pair.encoder.encode(pair.new, budgets: budgets, reference: pair.reference)
        #expect(frame.isPredicted && !plain.isPredicted)
        #expect(frame.size <= budgets[1])
        let decoded = try pair.decoder.decode(layers: frame.layers.map { $0[...] }, reference: pair.reference)
        let alone = try pair.decoder.decode(layers: plain.layers.map { $0[...] })
        #expect(pair.error(decoded) < 0.5 * pair.error(alone))
        #expect(numbers(decoded).map { $0 == 0 } == numbers(pair.new).map { $0 == 0 })
        let account = try pair.decoder.account(layers: frame.layers.map { $0[...] }, isPredicted: true)
        #expect(account.prediction > 0 && (account.total - Double(frame.size)).magnitude < 16)
    }

    @Test("the count of lanes changes neither octets nor samples")
    func lanes() throws {
        var (frames, decoded): ([EncodedFrame], [Samples]) = ([], [])
        for lanes in [1, 2, 5] {
            let pair = try HistoryPair(bands: 2, rows: 12, columns: 1_400, seed: 4, lanes: lanes)
            frames.append(try pair.encoder.encode(pair.new, budgets: [500, 4_000], reference: pair.reference))
            decoded.append(
                try pair.decoder.decode(layers: frames[0].layers.map { $0[...] }, reference: pair.reference))
        }
        #expect(frames[0].isPredicted && pairsAreEqual(frames) && pairsAreEqual(decoded))
    }

    @Test("every path of the strict kernels gives the same reference, prediction and sum")
    func paths() throws {
        let pair = try HistoryPair(bands: 4, rows: 37, columns: 53, seed: 5, hasHoles: true)
        let codec = try model()
        let parts = [FrameReference.Part(samples: pair.old, stream: pair.stream, row: 2, column: -3)]
        var found: [(hash: UInt32, left: [UInt32], predictions: [TilePrediction?], sum: [UInt32])] = []
        for path in StrictPath.all {
            let reference = try FrameReference(parts, of: pair.stream, model: codec, path: path)
            let transform = try FrameTransform(pair.stream, model: codec.spectral, path: path)
            let made = try transform.predict(pair.new, from: reference, budget: 900, model: codec.history)
            var whole = made.coefficients
            var moved = TilePrediction()
            moved.offset = .init(row: 2, column: -1)
            for predictions in [made.predictions, [moved]] {
                try transform.apply(
                    1, predictions, of: reference, to: &whole, choice: made.choice, model: codec.history)
            }
            found.append((reference.hash, bits(made.coefficients), made.predictions, bits(whole)))
        }
        #expect(found.count >= 2, "a machine with one path alone proves nothing")
        for other in found.dropFirst() { #expect(other == found[0]) }
        #expect(found[0].predictions != [nil] && found[0].left != found[0].sum)
    }

    @Test("any prefix decodes, and more octets never take more than noise away", arguments: [0, 1, 2, 3] as [UInt64])
    func prefixes(seed: UInt64) throws {
        let shapes = [(3, 40, 33), (1, 17, 16), (2, 9, 800), (4, 33, 20)]
        let shape = shapes[Int(seed)]
        let pair = try HistoryPair(
            bands: shape.0, rows: shape.1, columns: shape.2, seed: seed, hasHoles: seed % 2 == 1)
        let budgets = [20, 8, 4].map { pair.new.bytes.count / $0 }
        let frame = try pair.encoder.encode(pair.new, budgets: budgets, reference: pair.reference)
        #expect(frame.isPredicted)
        var least = Double.infinity
        for size in Array(stride(from: 0, to: frame.size, by: 1 + frame.size / 40)) + [frame.size] {
            let decoded = try pair.decoder.decode(
                layers: HistoryPair.prefix(frame.layers, size), reference: pair.reference)
            // a mask that is not whole says nothing of what counts
            guard frame.layers[0][0] & 64 == 0 || size > frame.smallestSize else { continue }
            let error = pair.error(decoded)
            #expect(error <= 1.05 * least, "seed \(seed), \(size) octets")
            least = min(least, error)
        }
    }

    @Test("a window is the same samples as in the whole frame", arguments: 0..<6)
    func windows(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let shapes = [(3, 40, 61), (2, 12, 1_300), (1, 1, 1)]
        let shape = shapes[seed % shapes.count]
        let pair = try HistoryPair(
            bands: shape.0, rows: shape.1, columns: shape.2, seed: UInt64(seed), hasHoles: seed > 2)
        let bound: ErrorBound? = seed % 2 == 0 ? .lossless : nil
        let frame = try pair.encoder.encode(
            pair.new, budgets: [60, 2_000], reference: pair.reference, bound: bound)
        for layers in [frame.layers.map { $0[...] }, HistoryPair.prefix(frame.layers, frame.size / 3)] {
            let whole = try pair.decoder.decode(layers: layers, reference: pair.reference)
            for _ in 0..<5 {
                let window = WindowTests.window(rows: shape.1, columns: shape.2, using: &generator)
                let part = try pair.decoder.decode(layers: layers, window: window, reference: pair.reference)
                #expect(part.bytes == crop(whole, window), "seed \(seed), \(window)")
            }
        }
    }

    @Test("intervals of predicted frames hold what was measured, at every prefix", arguments: 0..<6)
    func intervals(seed: Int) throws {
        let shapes = [(4, 40, 37), (2, 9, 800), (3, 18, 19)]
        let shape = shapes[seed % shapes.count]
        let pair = try HistoryPair(
            bands: shape.0, rows: shape.1, columns: shape.2, seed: UInt64(seed), hasHoles: seed > 2)
        let frame = try pair.encoder.encode(
            pair.new, budgets: [20, 8, 3].map { pair.new.bytes.count / $0 }, reference: pair.reference)
        #expect(frame.isPredicted)
        let transform = try FrameTransform(pair.stream, model: model().spectral)
        let validity = try transform.validity(of: pair.new)
        var bounded = 0
        for size in [0, 60, 300, 800, frame.size - 1, frame.size] {
            let known = try pair.decoder.intervals(
                layers: HistoryPair.prefix(frame.layers, size), reference: pair.reference)
            let original = try transform.forward(pair.new, validity: validity, choice: known.choice)
            for (index, value) in original.values.enumerated() where known.isMeasurement[index] == 1 {
                guard known.lower[index] <= value, value <= known.upper[index] else {
                    Issue.record(
                        "\(seed), \(size): \(value) at \(index), not \(known.lower[index])…\(known.upper[index])")
                    return
                }
                if known.upper[index] - known.lower[index] < 1e6 { bounded += 1 }
            }
        }
        #expect(bounded > 0)
    }

    @Test("residual layers stand on a prediction too: lossless, and within a bound")
    func residuals() throws {
        let pair = try HistoryPair(bands: 3, rows: 26, columns: 31, seed: 8, hasHoles: true)
        for (bound, limit) in [(ErrorBound.lossless, 0.0), (.uniform(12), 12)] {
            let frame = try pair.encoder.encode(
                pair.new, budgets: [700], reference: pair.reference, bound: bound)
            #expect(frame.isPredicted && frame.layers.count == 2)
            let decoded = try pair.decoder.decode(layers: frame.layers.map { $0[...] }, reference: pair.reference)
            let worst = zip(numbers(pair.new), numbers(decoded)).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
            #expect(worst <= limit)
            #expect(limit > 0 || decoded == pair.new)
            let plain = try pair.encoder.encode(pair.new, budgets: [700], bound: bound)
            #expect(frame.size < plain.size)
        }
    }

    private func pairsAreEqual<Value: Equatable>(_ values: [Value]) -> Bool {
        values.dropFirst().allSatisfy { $0 == values[0] }
    }

    @Test("a prediction must pay at the layer that is aimed at, not at finer ones")
    func aim() throws {
        let pair = try HistoryPair(bands: 4, rows: 64, columns: 64, seed: 5)
        let coarse = try pair.encoder.encode(pair.old, budgets: [90])
        let known = try pair.decoder.decode(layers: coarse.layers.map { $0[...] })
        let reference = try FrameReference(
            [.init(samples: known, stream: pair.stream, row: 0, column: 0)], of: pair.stream, model: model())
        let budgets = [90, 30_000]
        let aimed = try pair.encoder.encode(pair.new, budgets: budgets, reference: reference, aimedLayer: 0)
        let last = try pair.encoder.encode(pair.new, budgets: budgets, reference: reference)
        let plain = try pair.encoder.encode(pair.new, budgets: budgets)
        #expect(aimed.isPredicted)
        #expect(last == plain)
    }
}
