import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("frame transform")
struct FrameTransformTests {
    @Test("a frame comes back exactly from unquantised coefficients", arguments: shapes)
    func reconstructs(_ shape: Shape) throws {
        let samples = try scenery(bands: 4, rows: shape.rows, columns: shape.columns, seed: 3)
        let transform = try FrameTransform(
            stream(bands: sampleBands, rows: shape.rows, columns: shape.columns), model: sampleModel())
        let validity = try transform.validity(of: samples)
        #expect(validity.isAllValid)
        for choice in [SpectralChoice.identity, .trained(0), .trained(1)] {
            let coefficients = try transform.forward(samples, validity: validity, choice: choice)
            let back = try transform.inverse(coefficients, choice: choice, validity: validity)
            #expect(back == samples, "mode \(choice.mode)")
        }
    }

    @Test("the encoder's choice can be sent and used by the decoder")
    func choice() throws {
        let samples = try scenery(bands: 4, rows: 120, columns: 90, seed: 4)
        let description = try stream(bands: sampleBands, rows: 120, columns: 90)
        let transform = try FrameTransform(description, model: sampleModel())
        let validity = try transform.validity(of: samples)
        for budget in [40, 400, 40_000] {
            let (coefficients, choice) = try transform.forward(samples, validity: validity, budget: budget)
            var writer = ByteWriter()
            choice.packParameters(into: &writer)
            #expect(writer.bytes.count == SpectralChoice.parameterSize(mode: choice.mode, bands: 4))
            var reader = ByteReader(writer.bytes)
            let parsed = try SpectralChoice(mode: choice.mode, parsing: &reader, bands: 4)
            #expect(parsed == choice)
            let decoder = try FrameTransform(description, model: sampleModel(), path: .scalar)
            #expect(try decoder.inverse(coefficients, choice: parsed, validity: validity) == samples)
        }
    }

    @Test("every compiled path gives the same coefficients and samples")
    func paths() throws {
        let samples = try scenery(bands: 4, rows: 65, columns: 130, seed: 5)
        let description = try stream(bands: sampleBands, rows: 65, columns: 130)
        let reference = try FrameTransform(description, model: sampleModel(), path: .scalar)
        let validity = try reference.validity(of: samples)
        let expected = try reference.forward(samples, validity: validity, choice: .trained(1))
        let noisy = noise(components: 4, rows: 65, columns: 130, seed: 6)
        let synthesis = try reference.inverse(noisy, choice: .trained(0), validity: validity)
        for path in StrictPath.all {
            let transform = try FrameTransform(description, model: sampleModel(), path: path)
            let coefficients = try transform.forward(samples, validity: validity, choice: .trained(1))
            #expect(bits(coefficients) == bits(expected), "forward, \(path.name)")
            #expect(try transform.inverse(noisy, choice: .trained(0), validity: validity) == synthesis, "\(path.name)")
        }
    }

    @Test("the order of bands in a frame does not change the coefficients")
    func bandOrder() throws {
        let samples = try scenery(bands: 4, rows: 40, columns: 50, seed: 7)
        let order = [2, 0, 3, 1]
        let plane = 40 * 50 * 2
        let moved = try Samples(
            type: .uint16, bands: 4, rows: 40, columns: 50,
            bytes: order.flatMap { samples.bytes[$0 * plane..<($0 + 1) * plane] })
        let first = try FrameTransform(stream(bands: sampleBands, rows: 40, columns: 50), model: sampleModel())
        let second = try FrameTransform(
            stream(bands: order.map { sampleBands[$0] }, rows: 40, columns: 50), model: sampleModel())
        let (left, leftChoice) = try first.forward(samples, validity: first.validity(of: samples), budget: 1_000)
        let (right, rightChoice) = try second.forward(moved, validity: second.validity(of: moved), budget: 1_000)
        #expect(leftChoice == rightChoice)
        #expect(bits(left) == bits(right))
        #expect(try second.inverse(right, choice: rightChoice, validity: second.validity(of: moved)) == moved)
    }
}
