import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeTestSupport
import Testing

@Suite("what a bundle says of prediction")
struct PredictionModelTests {
    private static func shipped() throws -> [String: Tensor] {
        try FirmwareBundle.load(directory: SharedData.packageRoot + "/Firmware/perigee-1").tensors
    }

    @Test("the shipped bundle knows history, one without any of it falls back on untrained values")
    func presence() throws {
        let tensors = try Self.shipped()
        let plain = tensors.filter { !$0.key.hasPrefix("history/") }
        #expect(tensors.count - plain.count == 26)
        let (trained, untrained) = (try CodecModel(tensors: tensors).history, try CodecModel(tensors: plain).history)
        #expect(trained != untrained)
        let falling: [UInt8] = [16, 14, 12, 10, 8, 6, 4, 2].flatMap { [UInt8](repeating: $0, count: 60) }
        #expect(untrained.weights == falling)
    }

    @Test("a bundle with some of the tensors of history is refused, whichever is missing")
    func some() throws {
        let tensors = try Self.shipped()
        let names = tensors.keys.filter { $0.hasPrefix("history/") }
        #expect(names.count > 20)
        for name in names {
            var some = tensors
            some[name] = nil
            #expect(throws: CodecError.self, "\(name)") { try CodecModel(tensors: some) }
        }
    }

    @Test("weights above 16, and tensors of other shapes or types, are refused by name")
    func wrong() throws {
        let tensors = try Self.shipped()
        var weights = [UInt8](repeating: 16, count: 480)
        let refusal = { (name: String, tensor: Tensor) in
            _ = #expect { try CodecModel(tensors: tensors.merging([name: tensor]) { _, new in new }) } throws: {
                "\($0)".contains(name)
            }
        }
        _ = try CodecModel(
            tensors: tensors.merging(["history/weights": Tensor(shape: [8, 10, 6], values: .uint8(weights))]) { $1 })
        weights[479] = 17
        refusal("history/weights", Tensor(shape: [8, 10, 6], values: .uint8(weights)))
        weights[479] = 16
        refusal("history/weights", Tensor(shape: [8, 6, 10], values: .uint8(weights)))
        refusal("history/weights", Tensor(shape: [8, 10, 6], values: .uint8([1])))
        refusal("history/weights", Tensor(shape: [8, 10, 6], values: .uint32(weights.map { UInt32($0) })))
        refusal("history/cells", Tensor(shape: [1_239], values: .uint32([UInt32](repeating: 0, count: 1_239))))
        refusal("history/cells", Tensor(shape: [1_240], values: .uint8([UInt8](repeating: 0, count: 1_240))))
        refusal("history/tokens/idle.place", Tensor(shape: [7], values: .uint32([UInt32](repeating: 1, count: 7))))
    }
}

@Suite("predictions in the stream")
struct PredictionTests {
    @Test("whatever a tile says comes back, and what is cut off is silent", arguments: 0..<60 as Range<UInt64>)
    func comesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shapes = [(1, 1, 1), (3, 40, 50), (2, 7, 800), (8, 130, 33), (6, 1, 64)]
        let (bands, rows, columns) = shapes[Int(seed) % shapes.count]
        let codec = try model()
        let levels = WaveletGeometry(rows: rows, columns: columns).levels
        let encoder = TokenEncoder(
            rows: rows, columns: columns, levels: levels, components: bands, tables: codec.tables,
            history: codec.history, lanes: 1)
        let decoder = TokenDecoder(
            rows: rows, columns: columns, levels: levels, components: bands, tables: codec.tables,
            history: codec.history, lanes: 1)
        let predictions = (0..<encoder.grid.count).map { tile in
            randomPrediction(
                tileRows: encoder.grid.rowRange(tile).count, tileColumns: encoder.grid.columnRange(tile).count,
                levels: levels, components: bands, using: &generator)
        }
        let validity = Validity(allValid: bands, rows: rows, columns: columns)
        let reals = noise(components: bands, rows: rows, columns: columns, seed: seed).values.map { $0 / 50 }
        let frame = try encoder.encode(
            reals: reals, scale: 1, validity: validity, head: [], predictions: predictions, budgets: [1 << 20])
        let streams = try decoder.tileOctets(frame.layers.map { $0[...] }).streams
        let found = decoder.decode(streams, hasMask: false, hasReference: true, scale: 1)
        #expect(found.predictions == predictions, "seed \(seed)")
        for size in 0..<40 {
            let cut = streams.map { Array($0.prefix(size)) }
            let said = decoder.decode(cut, hasMask: false, hasReference: true, scale: 1).predictions
            for (prediction, whole) in zip(said, predictions) {
                #expect(prediction == whole || prediction == TilePrediction(), "seed \(seed), \(size) octets")
            }
        }
        let none = decoder.decode(streams.map { _ in [] }, hasMask: false, hasReference: true, scale: 1)
        #expect(none.predictions.allSatisfy { $0 == TilePrediction() })
        let plain = decoder.decode(streams, hasMask: false, hasReference: false, scale: 1)
        #expect(plain.predictions.allSatisfy { $0 == nil })
    }

    @Test("coefficients under any prediction decode to the same samples by a window and by the whole", arguments: 0..<8)
    func windows(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) + 5)
        let (rows, columns) = seed % 2 == 0 ? (37, 41) : (9, 900)
        let pair = try HistoryPair(bands: 3, rows: rows, columns: columns, seed: UInt64(seed))
        let codec = try model()
        let transform = try FrameTransform(pair.stream, model: codec.spectral)
        let encoder = TokenEncoder(
            rows: rows, columns: columns, levels: transform.levels, components: 3, tables: codec.tables,
            history: codec.history, lanes: 1)
        let predictions = (0..<encoder.grid.count).map { tile in
            randomPrediction(
                tileRows: rows, tileColumns: encoder.grid.columnRange(tile).count, levels: transform.levels,
                components: 3, using: &generator)
        }
        let validity = try transform.validity(of: pair.new)
        let choice = SpectralChoice.trained(seed % 2)
        let original = try transform.forward(pair.new, validity: validity, choice: choice)
        var left = original
        try transform.apply(
            -1, predictions, of: pair.reference, to: &left, choice: choice, model: codec.history)
        let frame = try encoder.encode(
            reals: left.values, scale: 1, validity: validity, head: [UInt8(choice.mode)], predictions: predictions,
            budgets: [rows * columns, 1 << 20])
        let layers = frame.layers.map { $0[...] }
        let whole = try pair.decoder.decode(layers: layers, reference: pair.reference)
        // all octets are there: what was taken off comes back
        #expect(pair.error(whole) < 4, "seed \(seed)")
        for _ in 0..<6 {
            let window = WindowTests.window(rows: rows, columns: columns, using: &generator)
            let part = try pair.decoder.decode(layers: layers, window: window, reference: pair.reference)
            #expect(part.bytes == crop(whole, window), "seed \(seed), \(window)")
        }
        let known = try pair.decoder.intervals(layers: Array(layers.prefix(1)), reference: pair.reference)
        let isHeld = original.values.indices.allSatisfy {
            known.lower[$0] <= original.values[$0] && original.values[$0] <= known.upper[$0]
        }
        #expect(isHeld, "seed \(seed)")
    }
}
