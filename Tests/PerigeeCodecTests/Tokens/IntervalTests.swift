import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("intervals")
struct IntervalTests {
    @Test(
        "the bounds of a number hold it, whatever it was multiplied by before it was cut",
        arguments: [1, 1.1892071, 1.4142135, 1.6817929] as [Float])
    func bounds(factor: Float) {
        var generator = SeededGenerator(seed: UInt64(factor * 1_000))
        for _ in 0..<20_000 {
            let exponent = Int.random(in: -4...28, using: &generator)
            let number =
                Float.random(in: -1...1, using: &generator) * Float(sign: .plus, exponent: exponent, significand: 1)
            // as the encoder cuts, and what a decoder knows once `plane` bits are open
            let cut = Int32(max(-33_554_430, min(33_554_430, number * factor)))
            let plane = Int32.random(in: 0...25, using: &generator)
            let (size, rest) = (Int32(1) << plane, (cut.magnitude >> UInt32(plane)) << UInt32(plane))
            let isZero = rest == 0
            let lower = isZero ? -size : cut < 0 ? -Int32(rest) - size : Int32(rest)
            let known = CoefficientIntervals.bounds(
                lower: [lower], width: [isZero ? 2 * size : size], factor: factor)
            guard known.lower[0] <= number, number <= known.upper[0] else {
                Issue.record("\(number) x \(factor) is outside of \(known.lower[0]) ... \(known.upper[0])")
                return
            }
            // as narrow as a single can say
            let width = Double(isZero ? 2 * size : size) / Double(factor)
            #expect(
                !known.upper[0].isFinite || !known.lower[0].isFinite
                    || Double(known.upper[0]) - Double(known.lower[0]) <= width + Double(number.magnitude) * 0x1p-19
                        + Double(size) * 0x1p-20
            )
        }
    }

    @Test("without octets nothing is known, and everything is a measurement")
    func nothing() throws {
        let decoder = try FrameDecoder(
            model: model(), stream: stream(bands: bands(2), rows: 9, columns: 5), lanes: 1)
        let known = try decoder.intervals(layers: [])
        #expect(known.lower.allSatisfy { $0 == -.infinity } && known.upper.allSatisfy { $0 == .infinity })
        #expect(known.isMeasurement.allSatisfy { $0 == 1 })
        #expect(known.lower.count == 90 && known.choice == .identity)
    }

    @Test("a verbatim stream has no intervals, and says so")
    func verbatim() throws {
        let profile = SensorProfile(name: "codes", bands: bands(1), sampleType: .int16, peak: 1)
        var declaration = StreamDeclaration(firmware: 1, profile: .inline(profile), rows: 2, columns: 3)
        declaration.coding = .verbatim
        let decoder = try FrameDecoder(
            model: model(), stream: StreamDescription(declaration, profiles: []), lanes: 1)
        #expect { try decoder.intervals(layers: []) } throws: { "\($0)".contains("verbatim") }
    }

    @Test("support follows the lifting steps: a hole at an end marks what its mirror image reaches")
    func support() {
        let geometry = WaveletGeometry(rows: 1, columns: 16)
        var mask = [UInt8](repeating: 1, count: 16)
        mask[0] = 0
        let flags = MissingSupport.touched(mask, geometry: geometry)
        // level 1: low 0, 1, 2 reach sample 0 (four to the left), high 0 and 1 (three to the left)
        #expect(Array(flags[8..<16]) == [1, 1, 0, 0, 0, 0, 0, 0])
        #expect(MissingSupport.touched([UInt8](repeating: 1, count: 16), geometry: geometry).allSatisfy { $0 == 0 })
        #expect(MissingSupport.touched([0], geometry: WaveletGeometry(rows: 1, columns: 1)) == [1])
    }
}
