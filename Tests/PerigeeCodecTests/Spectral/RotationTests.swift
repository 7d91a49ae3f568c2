import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("rotations of spectral bases")
struct RotationTests {
    private static func spectrum(
        bands: Int, levels: Int, layers: Int, mode: Int, using generator: inout SeededGenerator
    ) -> TileSpectrum {
        var spectrum = TileSpectrum(mode: mode)
        for _ in 0..<layers {
            let count = Int.random(in: 0...6, using: &generator)
            spectrum.layers.append(
                (0..<count).map { _ in
                    let second = Int.random(in: 1..<bands, using: &generator)
                    return Rotation(
                        level: Int.random(in: 1...levels, using: &generator),
                        first: Int.random(in: 0..<second, using: &generator), second: second,
                        tangent: Int.random(in: -16...15, using: &generator))
                })
        }
        return spectrum
    }

    @Test("records give back each level's rotations in their order, however the layers are taken together")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<500 {
            let (bands, levels) = (Int.random(in: 2...14, using: &generator), Int.random(in: 1...9, using: &generator))
            let hasModes = Bool.random(using: &generator)
            let record = SpectralRecord(bands: bands, levels: levels, headMode: 3, hasModes: hasModes)
            let count = Int.random(in: 1...4, using: &generator)
            let sent = Self.spectrum(
                bands: bands, levels: levels, layers: count,

                mode: hasModes ? Int.random(in: 0...14, using: &generator) : 3,
                using: &generator)
            var found: TileSpectrum?
            var start = 0
            while start < count {
                let end = Int.random(in: start + 1...count, using: &generator)
                let octets = record.pack(sent, from: start, to: end) ?? []
                for size in 0..<octets.count {
                    var untouched = found
                    #expect(try record.parse(octets.prefix(size), into: &untouched) == nil)
                    #expect(untouched == found)
                }
                #expect(try record.parse(octets + [255], into: &found) == octets.count)
                start = end
            }
            let parsed = try #require(found)
            #expect(parsed.mode == sent.mode && !parsed.openLevels.contains(true))
            for level in 1...levels {
                #expect(
                    parsed.rotations.filter { $0.level == level } == sent.rotations.filter { $0.level == level })
            }
        }
    }

    @Test(
        "a record that says what cannot be is refused",
        arguments: [
            [0b1000_0000, 0],  // more is announced, for no level
            [0b0000_0001],  // a bit behind the end
            [0b0111_1000, 0b0000_0000],  // pair 7 of six
        ] as [[UInt8]])
    func refused(octets: [UInt8]) {
        let record = SpectralRecord(bands: 4, levels: 2, headMode: 0, hasModes: false)
        var spectrum: TileSpectrum?
        #expect(throws: CodecError.self) { try record.parse(octets[...], into: &spectrum) }
        #expect(spectrum == nil)
    }

    @Test("random rotations of two tiles invert to the samples, on each path of the kernels alike")
    func inverts() throws {
        let description = try stream(bands: sampleBands, rows: 24, columns: 900)
        let samples = try scenery(bands: 4, rows: 24, columns: 900, seed: 9)
        var generator = SeededGenerator(seed: 10)
        var choice = SpectralChoice.trained(1)
        choice.tiles = [0, 1].map {
            Self.spectrum(bands: 4, levels: 9, layers: 3, mode: $0, using: &generator)
        }
        var expected: [UInt32]?
        for path in StrictPath.all {
            let transform = try FrameTransform(description, model: sampleModel(), path: path)
            let validity = try transform.validity(of: samples)
            let planes = try transform.forward(samples, validity: validity, choice: choice)
            #expect(try transform.inverse(planes, choice: choice, validity: validity) == samples)
            #expect(bits(planes) == expected ?? bits(planes), "\(path.name)")
            expected = bits(planes)
        }
    }

    /// Two tiles whose bands vary together in ways that no trained set knows, each in its own.
    private static func mixtures(rows: Int, columns: Int) throws -> Samples {
        var generator = SeededGenerator(seed: 12)
        let weights: [[[Double]]] = [
            [[1, -0.8, 0.5, 0.2], [0.1, 0.3, 0.9, -1]], [[0.3, 1, -0.6, -0.9], [1, 0.2, 0.4, 0.6]],
        ]
        var sources: [[Double]] = [[], []]
        for source in 0..<2 {
            for row in 0..<rows {
                for column in 0..<columns {
                    let wave = Double((row * (3 + source) + column * (5 - source)) % (29 + 14 * source)) / 40
                    sources[source].append(wave + 0.3 * Double.random(in: 0..<1, using: &generator))
                }
            }
        }
        var values: [UInt16] = []
        for band in 0..<4 {
            for index in 0..<rows * columns {
                let weight = weights[index % columns < 512 ? 0 : 1]
                let mixed = weight[0][band] * sources[0][index] + weight[1][band] * sources[1][index]
                values.append(UInt16(max(0, 3_000 + 900 * mixed + Double.random(in: 0..<8, using: &generator))))
            }
        }
        return try Samples(type: .uint16, bands: 4, rows: rows, columns: columns, bytes: octets(values))
    }

    private static func model(efficiency: Double) throws -> CodecModel {
        var tensors = sampleTensors()
        tensors["spectral/rotation_efficiency"] = Tensor(shape: [1], values: .float64([efficiency]))
        return try CodecModel(tensors: tensors)
    }

    private static func error(_ one: Samples, _ other: Samples) -> Double {
        let difference = { (index: Int) -> Double in
            let value = { (bytes: [UInt8]) in Double(Int(bytes[2 * index]) | Int(bytes[2 * index + 1]) << 8) }
            return value(one.bytes) - value(other.bytes)
        }
        return (0..<one.bytes.count / 2).reduce(0) { $0 + difference($1) * difference($1) }
    }

    @Test("an encoder that may turn bases gets nearer, within its budgets; windows and intervals agree")
    func frames() throws {
        let (rows, columns) = (96, 1_024)
        let description = try stream(bands: sampleBands, rows: rows, columns: columns)
        let original = try Self.mixtures(rows: rows, columns: columns)
        let budgets = [600, 4_000, 30_000]
        let plain = try FrameEncoder(model: Self.model(efficiency: 0), stream: description, lanes: 1)
            .encode(original, budgets: budgets)
        let model = try Self.model(efficiency: 0.5)
        let turned = try FrameEncoder(model: model, stream: description, lanes: 2).encode(original, budgets: budgets)
        let head = { (frame: EncodedFrame) -> UInt8 in frame.layers.first { !$0.isEmpty }?.first ?? 0 }
        #expect(head(plain) & 32 == 0 && head(turned) & 32 == 32)
        let decoder = try FrameDecoder(model: model, stream: description, lanes: 2)
        let transform = try FrameTransform(description, model: model.spectral)
        let validity = try transform.validity(of: original)
        let known = try decoder.intervals(layers: turned.layers.map { $0[...] })
        #expect(known.choice.tiles.contains { !$0.rotations.isEmpty })
        let strict = try transform.forward(original, validity: validity, choice: known.choice).values
        var spent = 0
        for count in 1...3 {
            spent += turned.layers[count - 1].count
            #expect(spent <= budgets[count - 1])
            let layers = turned.layers.prefix(count).map { $0[...] }
            let decoded = try decoder.decode(layers: layers)
            let ratio =
                try Self.error(original, decoded)
                / Self.error(original, decoder.decode(layers: plain.layers.prefix(count).map { $0[...] }))
            #expect(ratio < (count == 3 ? 0.8 : 1.05), "\(count) layers")
            let window = FrameWindow(x: 500, y: 3, width: 40, height: 20)
            let part = try decoder.decode(layers: layers, window: window)
            for band in 0..<4 {
                for row in 0..<20 {
                    let (from, to) = (((band * rows + 3 + row) * columns + 500) * 2, (band * 20 + row) * 80)
                    #expect(decoded.bytes[from..<from + 80] == part.bytes[to..<to + 80])
                }
            }
            let bounds = try decoder.intervals(layers: layers)
            let outside = strict.indices.filter { bounds.lower[$0] > strict[$0] || bounds.upper[$0] < strict[$0] }
            #expect(outside.isEmpty, "\(count) layers")
        }
    }

    @Test("cut anywhere, a frame with records decodes")
    func everyPrefix() throws {
        let description = try stream(bands: sampleBands, rows: 33, columns: 47)
        let model = try Self.model(efficiency: 0.5)
        let original = try scenery(bands: 4, rows: 33, columns: 47, seed: 3)
        let frame = try FrameEncoder(model: model, stream: description, lanes: 1).encode(original, budgets: [1_500])
        #expect((frame.layers[0].first ?? 0) & 32 == 32)
        let decoder = try FrameDecoder(model: model, stream: description, lanes: 1)
        for size in 0...frame.layers[0].count {
            #expect(throws: Never.self) { try decoder.decode(layers: [frame.layers[0].prefix(size)]) }
        }
    }
}
