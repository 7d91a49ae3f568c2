import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("history that is of no use, or not there")
struct UselessHistoryTests {
    /// As far from the ground as a cloud is: bright, smooth, everywhere or on the left.
    private func cloud(_ pair: HistoryPair, share: Double) throws -> FrameReference {
        var values = numbers(pair.old).map { UInt16($0) }
        let columns = pair.stream.columns
        for index in values.indices where Double(index % columns) < share * Double(columns) {
            values[index] = UInt16(8_000 + index % columns * 3)
        }
        let samples = try Samples(
            type: .uint16, bands: pair.old.bands, rows: pair.old.rows, columns: columns, bytes: octets(values))
        return try FrameReference(
            [.init(samples: samples, stream: pair.stream, row: 0, column: 0)], of: pair.stream, model: model())
    }

    @Test("without use the frame is the plain one, octet for octet", arguments: 0..<4 as Range<UInt64>)
    func noUse(seed: UInt64) throws {
        let pair = try HistoryPair(bands: 3, rows: 30, columns: 33, seed: seed)
        let noise = try samples(.noise, type: .uint16, bands: 3, rows: 30, columns: 33, seed: seed + 90).samples
        let nowhere = FrameReference.Part(samples: pair.old, stream: pair.stream, row: 1 << 40, column: 0)
        for part in [.init(samples: noise, stream: pair.stream, row: 0, column: 0), nowhere] {
            let reference = try FrameReference([part], of: pair.stream, model: model())
            for budgets in [[400], [60, 3_000]] {
                let frame = try pair.encoder.encode(pair.new, budgets: budgets, reference: reference)
                #expect(!frame.isPredicted)
                #expect(try frame == pair.encoder.encode(pair.new, budgets: budgets))
            }
        }
    }

    @Test(
        "another place or a cloud for a reference costs nothing",
        arguments: 0..<4 as Range<UInt64>, [60, 350, 1_500])
    func costsNothing(seed: UInt64, budget: Int) throws {
        let pair = try HistoryPair(bands: 3, rows: 40, columns: 36, seed: seed)
        let elsewhere = try HistoryPair(bands: 3, rows: 40, columns: 36, seed: seed + 50).reference
        let plain = try pair.error(
            pair.decoder.decode(layers: pair.encoder.encode(pair.new, budgets: [budget]).layers.map { $0[...] }))
        for reference in [elsewhere, try cloud(pair, share: 1), try cloud(pair, share: 0.5)] {
            let frame = try pair.encoder.encode(pair.new, budgets: [budget], reference: reference)
            let decoded = try pair.decoder.decode(
                layers: frame.layers.map { $0[...] }, reference: frame.isPredicted ? reference : nil)
            #expect(pair.error(decoded) <= plain * 1.001, "seed \(seed), \(frame.isPredicted)")
        }
    }

    @Test("first octets of a small frame count as much as all of them", arguments: 0..<4 as Range<UInt64>)
    func firstOctets(seed: UInt64) throws {
        let pair = try HistoryPair(bands: 4, rows: 64, columns: 64, seed: seed)
        let budgets = [14, 44, 149]
        let losses = { (frame: EncodedFrame, reference: FrameReference?) throws -> Double in
            try budgets.indices.reduce(1) { product, layer in
                let layers = frame.layers.prefix(layer + 1).map { $0[...] }
                return try product * pair.error(pair.decoder.decode(layers: layers, reference: reference))
            }
        }
        let plain = try losses(pair.encoder.encode(pair.new, budgets: budgets), nil)
        for reference in [pair.reference, try cloud(pair, share: 0.5), try cloud(pair, share: 0.1)] {
            let frame = try pair.encoder.encode(pair.new, budgets: budgets, reference: reference)
            #expect(try losses(frame, frame.isPredicted ? reference : nil) <= plain * 1.001)
        }
    }

    @Test("a wrong reference or none gives samples or an error, never more")
    func wrongReference() throws {
        let pair = try HistoryPair(bands: 2, rows: 20, columns: 800, seed: 1, hasHoles: true)
        let frame = try pair.encoder.encode(pair.new, budgets: [300, 4_000], reference: pair.reference)
        let layers = frame.layers.map { $0[...] }
        let right = try pair.decoder.decode(layers: layers, reference: pair.reference)
        let wrong = try cloud(pair, share: 1)
        for given in [wrong, nil] {
            #expect(try pair.decoder.decode(layers: layers, reference: given) != right)
            _ = try pair.decoder.intervals(layers: layers, reference: given)
            let window = FrameWindow(x: 500, y: 3, width: 30, height: 9)
            _ = try pair.decoder.decode(layers: layers, window: window, reference: given)
        }
        let small = try HistoryPair(bands: 2, rows: 20, columns: 799, seed: 1).reference
        let fewer = try HistoryPair(bands: 1, rows: 20, columns: 800, seed: 1).reference
        for given in [small, fewer] {
            #expect { try pair.decoder.decode(layers: layers, reference: given) } throws: {
                "\($0)".contains("reference")
            }
            #expect(throws: CodecError.self) { try pair.decoder.intervals(layers: layers, reference: given) }
            #expect(throws: CodecError.self) {
                try pair.decoder.decode(
                    layers: layers, window: FrameWindow(x: 0, y: 0, width: 1, height: 1), reference: given)
            }
            #expect(throws: CodecError.self) {
                try pair.encoder.encode(pair.new, budgets: [900], reference: given)
            }
        }
        // a plain frame read as a predicted one
        let plain = try pair.encoder.encode(pair.new, budgets: [4_000])
        _ = try pair.decoder.decode(layers: plain.layers.map { $0[...] }, reference: pair.reference)
    }

    @Test(
        "an encoder refuses a reference of another shape, with and without holes in the frame",
        arguments: [true, false])
    func wrongShape(hasHoles: Bool) throws {
        let pair = try HistoryPair(bands: 3, rows: 24, columns: 30, seed: 2, hasHoles: hasHoles)
        for (bands, rows, columns) in [(3, 24, 29), (3, 23, 30), (2, 24, 30), (3, 30, 24), (1, 1, 1)] {
            let other = try HistoryPair(bands: bands, rows: rows, columns: columns, seed: 2).reference
            #expect { try pair.encoder.encode(pair.new, budgets: [400], reference: other) } throws: {
                "\($0)".contains("reference")
            }
        }
    }

    @Test("noise for octets decodes, with a reference as well", arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let columns = seed % 2 == 0 ? 19 : 800
        let pair = try HistoryPair(bands: 2, rows: 7, columns: columns, seed: seed)
        var octets = (0..<400).map { _ in UInt8.random(in: 0...255, using: &generator) }
        // a trained set or the identity, with or without a mask
        octets[0] = [0, 1, 14, 64 + 14][Int(seed / 2) % 4]
        if columns > 512 { octets.replaceSubrange(1..<4, with: [3, 100, 127]) }
        let whole = try pair.decoder.decode(layers: [octets[...]], reference: pair.reference)
        _ = try pair.decoder.intervals(layers: [octets[...]], reference: pair.reference)
        let window = FrameWindow(x: columns - 9, y: 2, width: 7, height: 5)
        let part = try pair.decoder.decode(layers: [octets[...]], window: window, reference: pair.reference)
        #expect(part.bytes == crop(whole, window))
    }
}
