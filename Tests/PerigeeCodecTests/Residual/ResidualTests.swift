import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("residual layers")
struct ResidualTests {
    static let shapes = [(1, 1, 1), (2, 1, 9), (3, 7, 1), (4, 17, 23), (5, 64, 33), (6, 3, 3), (1, 2, 70)]
    static let integers: [SampleType] = [.uint8, .uint16, .int16, .int32]

    @Test(
        "every bound holds for every type, pattern and shape, masks are exact", arguments: integers, Pattern.allCases)
    func boundsHold(type: SampleType, pattern: Pattern) throws {
        for (seed, shape) in Self.shapes.enumerated() {
            let frame = try ResidualCase(
                pattern, type: type, bands: shape.0, rows: shape.1, columns: shape.2, seed: UInt64(seed))
            let small = Double(seed % 3)
            let bounds: [ErrorBound] = [
                .lossless, .uniform(1 + small), .uniform(type == .uint8 ? 127 : 32_767),
                .byBand((0..<shape.0).map { Double($0 * 2 % 7) }),
            ]
            for bound in bounds {
                let encoded = try frame.encode([1 << 20], bound)
                #expect(encoded.layers.count == 2)
                let decoded = try frame.decoder().decode(layers: encoded.layers.map { $0[...] })
                let errors = try #require(
                    greatestErrors(frame.original, decoded, nodata: frame.nodata),
                    "\(shape) \(bound): the mask changed")
                let allowed: [Double] =
                    switch bound {
                    case .lossless: [Double](repeating: 0, count: shape.0)
                    case .uniform(let bound): [Double](repeating: bound, count: shape.0)
                    case .byBand(let list): list
                    }
                #expect(zip(errors, allowed).allSatisfy { $0 <= $1 }, "\(shape) \(bound): \(errors)")
                if bound == .lossless { #expect(decoded == frame.original, "\(shape)") }
            }
        }
    }

    @Test("bounds of float32 samples hold, NaN and nodata stay", arguments: Pattern.allCases)
    func floats(pattern: Pattern) throws {
        for (seed, shape) in Self.shapes.enumerated() {
            let frame = try ResidualCase(
                pattern, type: .float32, bands: shape.0, rows: shape.1, columns: shape.2, seed: UInt64(seed))
            for bound in [1e-4, 0.02, 5] {
                let encoded = try frame.encode([1 << 20], .uniform(bound))
                let decoded = try frame.decoder().decode(layers: encoded.layers.map { $0[...] })
                let errors = try #require(greatestErrors(frame.original, decoded, nodata: frame.nodata))
                #expect(errors.allSatisfy { $0 <= Double(Float(bound)) }, "\(shape) \(bound): \(errors)")
            }
        }
    }

    @Test("a float32 bound below what singles can tell apart is refused, not missed")
    func floatsTooFine() throws {
        let frame = try ResidualCase(.noise, type: .float32, bands: 2, rows: 9, columns: 9, seed: 1)
        let refusal = try #require(throws: CodecError.self) { try frame.encode([1 << 20], .uniform(1e-9)) }
        #expect(refusal.description.hasPrefix("error bound is exceeded at "), "\(refusal)")
        #expect(throws: CodecError.self) { try frame.encode([1 << 20], .lossless) }
    }

    @Test("nodata amid the range: a bound never turns a valid sample into it, nor moves one too far", arguments: 1...6)
    func nodataInside(bound: Int) throws {
        var generator = SeededGenerator(seed: UInt64(bound))
        let values = (0..<40 * 40).map { _ in Int16.random(in: -12...12, using: &generator) }
        let original = try Samples(type: .int16, bands: 1, rows: 40, columns: 40, bytes: octets(values))
        let stream = try stream(bands: bands(1), rows: 40, columns: 40, type: .int16, nodata: 3)
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(
            original, budgets: [1 << 20], bound: .uniform(Double(bound)))
        let decoded = try FrameDecoder(model: model(), stream: stream, lanes: 1).decode(
            layers: frame.layers.map { $0[...] })
        let errors = try #require(greatestErrors(original, decoded, nodata: 3))
        #expect(errors[0] <= Double(bound))
    }

    @Test("samples that repeat in blocks cost next to nothing")
    func repeats() throws {
        var generator = SeededGenerator(seed: 5)
        let cells = (0..<30 * 30).map { _ in UInt16.random(in: 0...9_000, using: &generator) }
        let values: [UInt16] = (0..<90 * 90).map { index in
            let (row, column) = (index / 90 / 3, index % 90 / 3)
            return cells[row * 30 + column]
        }
        let original = try Samples(type: .uint16, bands: 1, rows: 90, columns: 90, bytes: octets(values))
        let stream = try stream(bands: bands(1), rows: 90, columns: 90)
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(
            original, budgets: [8], bound: .lossless)
        #expect(frame.size < 30 * 30 * 2)
        let decoded = try FrameDecoder(model: model(), stream: stream, lanes: 1).decode(
            layers: frame.layers.map { $0[...] })
        #expect(decoded == original)
    }

    @Test("samples that are missing cost nothing")
    func missingIsFree() throws {
        let whole = try ResidualCase(.noise, type: .uint16, bands: 3, rows: 40, columns: 50, seed: 3)
        var values = numbers(whole.original).map { UInt16($0) }
        for index in values.indices where index % 2_000 >= 1_000 { values[index] = 0 }
        for index in values.indices where index % 2_000 < 1_000 { values[index] = max(values[index], 1) }
        let original = try Samples(type: .uint16, bands: 3, rows: 40, columns: 50, bytes: octets(values))
        let stream = try stream(bands: bands(3), rows: 40, columns: 50, nodata: 0)
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(
            original, budgets: [200], bound: .lossless)
        let all = try whole.encode([200], .lossless)
        #expect(frame.layers[1].count < all.layers[1].count * 52 / 100)
    }

    @Test("the count of lanes and the order of bands change neither octets nor samples")
    func lanes() throws {
        let frame = try ResidualCase(.holes, type: .uint16, bands: 3, rows: 300, columns: 800, seed: 4)
        let bound = ErrorBound.byBand([0, 2, 1])
        let first = try frame.encode([9_000, 30_000], bound)
        #expect(try frame.encode([9_000, 30_000], bound, lanes: 3) == first)
        let layers = first.layers.map { $0[...] }
        #expect(try frame.decoder().decode(layers: layers) == frame.decoder(lanes: 4).decode(layers: layers))
        let order = [2, 0, 1]
        let size = frame.original.bytes.count / 3
        let shuffled = try Samples(
            type: .uint16, bands: 3, rows: 300, columns: 800,
            bytes: order.flatMap { frame.original.bytes[$0 * size..<($0 + 1) * size] })
        let stream = try stream(
            bands: order.map { bands(3)[$0] }, rows: 300, columns: 800, nodata: frame.nodata)
        let second = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(
            shuffled, budgets: [9_000, 30_000], bound: .byBand([1, 0, 2]))
        #expect(second == first)
    }

    @Test("a verbatim stream has no residual: it is lossless already")
    func verbatim() throws {
        let (original, _) = try samples(.noise, type: .float32, bands: 2, rows: 20, columns: 30, seed: 6)
        let profile = SensorProfile(name: "codes", bands: bands(2), sampleType: .float32, peak: 1)
        var declaration = StreamDeclaration(firmware: 1, profile: .inline(profile), rows: 20, columns: 30)
        declaration.coding = .verbatim
        let stream = try StreamDescription(declaration, profiles: [])
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(
            original, budgets: [1], bound: .lossless)
        #expect(frame.layers.count == 1)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
        #expect(try decoder.decode(layers: [frame.layers[0][...]]) == original)
    }

    @Test(
        "bounds that a type cannot have are refused by the name of the band",
        arguments: [
            (-1.0, SampleType.uint16), (0.5, .int16), (128, .uint8), (32_768, .uint16), (Double.nan, .int32),
            (1e10, .int32), (0, .float32), (-0.1, .float32), (.infinity, .float32),
        ])
    func badBounds(bound: Double, type: SampleType) throws {
        let frame = try ResidualCase(.scenery, type: type, bands: 2, rows: 4, columns: 4, seed: 1)
        let refusal = try #require(throws: CodecError.self) { try frame.encode([1 << 20], .byBand([1, bound])) }
        let name = bands(2)[1].name
        #expect(refusal.description.hasPrefix("error bound of band \(name) is \(bound), expected "), "\(refusal)")
        #expect(throws: CodecError.self) { try frame.encode([1 << 20], .byBand([1])) }
    }

    @Test("bounds by name keep to the bands of the stream")
    func named() throws {
        let stream = try stream(bands: bands(3), rows: 4, columns: 4)
        let names = bands(3).map(\.name)
        #expect(try ErrorBound.named([(names[2], 5)], rest: 1, of: stream) == .byBand([1, 1, 5]))
        let refusal = try #require(throws: CodecError.self) {
            try ErrorBound.named([("B99", 5)], of: stream)
        }
        #expect(refusal.description.contains("B99") && refusal.description.contains(names[0]))
    }
}
