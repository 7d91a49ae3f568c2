import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

struct Scaling: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let type: SampleType
    var peak = 10_000.0
    var scale = 1.0
    var offset = 0.0
    var frame: StreamDeclaration.Scaling?
}

@Suite("normalisation and validity")
struct NormalisationTests {
    private static let band = [Band(name: "green", centerWavelength: 0.56, groundSamplingDistance: 10)]

    /// A frame of 16-bit or 8-bit integers, all values once, in rising order.
    private static func ramp(_ type: SampleType) throws -> Samples {
        switch type {
        case .uint8:
            try Samples(type: type, bands: 1, rows: 16, columns: 16, bytes: (0...255).map { UInt8($0) })
        case .uint16:
            try Samples(
                type: type, bands: 1, rows: 256, columns: 256, bytes: octets((0...65_535).map { UInt16($0) }))
        default:
            try Samples(
                type: type, bands: 1, rows: 256, columns: 256,
                bytes: octets((-32_768...32_767).map { Int16($0) }))
        }
    }

    @Test(
        "every integer survives the way through coefficients",
        arguments: [
            Scaling(testDescription: "uint8, peak 255", type: .uint8, peak: 255),
            Scaling(testDescription: "uint8, peak 1", type: .uint8, peak: 10),
            Scaling(testDescription: "uint16, reflectance", type: .uint16, scale: 1e-4),
            Scaling(
                testDescription: "uint16 with the offset of 2022", type: .uint16, scale: 1e-4,
                frame: .init(scale: 1e-4, offset: -0.1)),
            Scaling(testDescription: "uint16, peak 65,535", type: .uint16, peak: 65_535),
            Scaling(testDescription: "uint16, Landsat", type: .uint16, peak: 40_000, scale: 2.75e-5, offset: -0.2),
            Scaling(testDescription: "int16", type: .int16, scale: -1e-4),
            Scaling(
                testDescription: "int16, half scale", type: .int16, scale: 1e-4, frame: .init(scale: 5e-5, offset: 0.01)
            ),
        ])
    func integers(_ scaling: Scaling) throws {
        let samples = try Self.ramp(scaling.type)
        let description = try stream(
            bands: Self.band, rows: samples.rows, columns: samples.columns, type: scaling.type, peak: scaling.peak,
            scale: scaling.scale, offset: scaling.offset, scaling: scaling.frame)
        for path in StrictPath.all {
            let transform = try FrameTransform(description, model: sampleModel(), path: path)
            let validity = try transform.validity(of: samples)
            let coefficients = try transform.forward(samples, validity: validity, choice: .identity)
            let back = try transform.inverse(coefficients, choice: .identity, validity: validity)
            #expect(back == samples, "\(path.name)")
        }
    }

    @Test("values are in units of a ten-thousandth of the profile's peak, without the mean of the wavelength")
    func units() throws {
        let samples = try Samples(type: .uint8, bands: 1, rows: 1, columns: 1, bytes: [51])
        let transform = try FrameTransform(
            stream(bands: Self.band, rows: 1, columns: 1, type: .uint8, peak: 255), model: sampleModel())
        let planes = try transform.forward(samples, validity: transform.validity(of: samples), choice: .identity)
        #expect((planes[0, 0, 0] - (2_000 - 1_200.25)).magnitude < 0.001)
    }

    @Test("integers beyond the exact range of singles come back near, clipped to the type")
    func wide() throws {
        let values: [Int32] = [.min, -1_000_000, -1, 0, 1, 16_777_217, 1_000_000_000, .max]
        let samples = try Samples(type: .int32, bands: 1, rows: 2, columns: 4, bytes: octets(values))
        let transform = try FrameTransform(
            stream(bands: [Band(name: "x")], rows: 2, columns: 4, type: .int32, peak: 2e9), model: sampleModel())
        let validity = try transform.validity(of: samples)
        let back = try transform.inverse(
            transform.forward(samples, validity: validity, choice: .identity), choice: .identity, validity: validity)
        let numbers = back.bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
        for (number, value) in zip(numbers, values) {
            #expect((Double(number) - Double(value)).magnitude < 2_000)
        }
    }

    @Test("values far beyond the peak are clipped, not overflowed")
    func clipped() throws {
        let values: [Float] = [3e38, -3e38, 0, 5_000]
        let samples = try Samples(type: .float32, bands: 1, rows: 2, columns: 2, bytes: octets(values))
        let transform = try FrameTransform(
            stream(bands: Self.band, rows: 2, columns: 2, type: .float32), model: sampleModel())
        let planes = try transform.forward(samples, validity: transform.validity(of: samples), choice: .identity)
        #expect(planes.values.allSatisfy { $0.isFinite && $0.magnitude < 0x1p23 })
    }

    @Test("nodata and NaN are masked, filled from their neighbours, and come back exactly")
    func invalid() throws {
        var values = [Float](repeating: 0, count: 2 * 64 * 64)
        for index in values.indices { values[index] = 0.2 + 0.0001 * Float(index % 64) }
        for row in 10..<30 { for column in 5..<40 { values[row * 64 + column] = -9_999 } }
        values[64 * 64 + 77] = .nan
        let samples = try Samples(type: .float32, bands: 2, rows: 64, columns: 64, bytes: octets(values))
        let bands = [Self.band[0], Band(name: "nir", centerWavelength: 0.84)]
        let description = try stream(
            bands: bands, rows: 64, columns: 64, type: .float32, peak: 1, nodata: -9_999)
        for path in StrictPath.all {
            let transform = try FrameTransform(description, model: sampleModel(), path: path)
            let validity = try transform.validity(of: samples)
            #expect(!validity.isAllValid && !validity.isSharedByBands)
            #expect(validity.mask(of: 0)?.count { $0 == 0 } == 700)
            #expect(validity.mask(of: 1)?.count { $0 == 0 } == 1)
            let planes = try transform.forward(samples, validity: validity, choice: .trained(0))
            let back = try transform.inverse(planes, choice: .trained(0), validity: validity)
            let numbers = back.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            for (index, value) in values.enumerated() {
                if value == -9_999 || value.isNaN {
                    #expect(numbers[index] == -9_999)
                } else {
                    #expect((numbers[index] - value).magnitude < 1e-5)
                }
            }
        }
    }

    @Test("a filled frame has little energy in fine levels")
    func fill() throws {
        var values = [UInt16](repeating: 3_000, count: 128 * 128)
        for row in 40..<90 { for column in 30..<128 { values[row * 128 + column] = 0 } }
        let samples = try Samples(type: .uint16, bands: 1, rows: 128, columns: 128, bytes: octets(values))
        let transform = try FrameTransform(
            stream(bands: Self.band, rows: 128, columns: 128, nodata: 0), model: sampleModel())
        let planes = try transform.forward(samples, validity: transform.validity(of: samples), choice: .identity)
        for subband in transform.geometry.subbands(of: 1) {
            for row in subband.rows {
                for column in subband.columns { #expect(planes[0, row, column].magnitude < 0.1) }
            }
        }
    }

    @Test(
        "a frame without any valid sample comes back as nodata",
        arguments: [SampleType.uint8, .int16, .int32, .float32])
    func nothingValid(_ type: SampleType) throws {
        let bytes: [UInt8] =
            switch type {
            case .uint8: [UInt8](repeating: 7, count: 15)
            case .int16: octets([Int16](repeating: 7, count: 15))
            case .int32: octets([Int32](repeating: 7, count: 15))
            default: octets([Float](repeating: 7, count: 15))
            }
        let samples = try Samples(type: type, bands: 1, rows: 3, columns: 5, bytes: bytes)
        let transform = try FrameTransform(
            stream(bands: Self.band, rows: 3, columns: 5, type: type, nodata: 7), model: sampleModel())
        let validity = try transform.validity(of: samples)
        #expect(validity.masks == [[UInt8](repeating: 0, count: 15)])
        let planes = try transform.forward(samples, validity: validity, choice: .identity)
        #expect(planes.values.allSatisfy { $0 == 0 })
        #expect(try transform.inverse(planes, choice: .identity, validity: validity) == samples)
    }

    @Test("a valid sample never comes back as nodata")
    func substitute() throws {
        let values = [UInt8](repeating: 255, count: 15) + [254]
        let samples = try Samples(type: .uint8, bands: 1, rows: 4, columns: 4, bytes: values)
        for (nodata, instead) in [(255.0, UInt8(254)), (0, 1)] {
            let transform = try FrameTransform(
                stream(bands: Self.band, rows: 4, columns: 4, type: .uint8, peak: 255, nodata: nodata),
                model: sampleModel())
            let planes = Planes(
                components: 1, rows: 4, columns: 4,
                values: [nodata == 0 ? -90_000 : 90_000] + [Float](repeating: 0, count: 15))
            let validity = Validity(allValid: 1, rows: 4, columns: 4)
            let back = try transform.inverse(planes, choice: .identity, validity: validity)
            #expect(back.bytes == [UInt8](repeating: instead, count: 16))
        }
        #expect(samples.bytes.count == 16)
    }

    @Test("a nodata value that the type cannot hold marks nothing", arguments: [-1.0, 256, 0.5, .nan, .infinity])
    func foreignNodata(_ nodata: Double) throws {
        let samples = try Samples(type: .uint8, bands: 1, rows: 16, columns: 16, bytes: (0...255).map { UInt8($0) })
        let transform = try FrameTransform(
            stream(bands: Self.band, rows: 16, columns: 16, type: .uint8, peak: 255, nodata: nodata),
            model: sampleModel())
        #expect(try transform.validity(of: samples).isAllValid)
    }

    @Test("infinite samples are refused with the band, unless they are nodata")
    func infinite() throws {
        let samples = try Samples(
            type: .float32, bands: 1, rows: 1, columns: 2, bytes: octets([Float.infinity, 1]))
        let plain = try FrameTransform(
            stream(bands: Self.band, rows: 1, columns: 2, type: .float32), model: sampleModel())
        #expect {
            try plain.validity(of: samples)
        } throws: { "\($0)".contains("samples of band 0 is infinite at 1 places") }
        let marked = try FrameTransform(
            stream(bands: Self.band, rows: 1, columns: 2, type: .float32, nodata: .infinity), model: sampleModel())
        #expect(try marked.validity(of: samples).masks == [[0, 1]])
    }

    @Test("scales and offsets that lead nowhere are refused")
    func unusable() {
        #expect(throws: CodecError.self) {
            try FrameTransform(stream(bands: Self.band, rows: 1, columns: 1, peak: 1e-300), model: sampleModel())
        }
        #expect(throws: CodecError.self) {
            try FrameTransform(
                stream(bands: Self.band, rows: 1, columns: 1, scaling: .init(scale: 1, offset: 1e30)),
                model: sampleModel())
        }
    }
}
