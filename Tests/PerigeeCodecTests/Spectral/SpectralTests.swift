import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("spectral basis")
struct SpectralTests {
    @Test("Jacobi rows are orthonormal, sorted, and diagonalise", arguments: [1, 2, 3, 12, 13, 40, 64])
    func jacobi(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        var root = [Double](repeating: 0, count: count * count)
        for index in root.indices { root[index] = Double.random(in: -1..<1, using: &generator) }
        var matrix = [Double](repeating: 0, count: count * count)
        for i in 0..<count {
            for j in 0..<count {
                for k in 0..<count { matrix[i * count + j] += root[i * count + k] * root[j * count + k] }
            }
        }
        let basis = Jacobi.basis(of: matrix, count: count).map { Double($0) }
        var before = Double.infinity
        for k in 0..<count {
            #expect((0..<count).reduce(0) { $0 + basis[k * count + $1] } > -1e-6)
            for l in 0..<count {
                let product = (0..<count).reduce(0) { $0 + basis[k * count + $1] * basis[l * count + $1] }
                #expect((product - (k == l ? 1 : 0)).magnitude < 1e-6)
                var image = 0.0
                for i in 0..<count {
                    for j in 0..<count { image += basis[k * count + i] * matrix[i * count + j] * basis[l * count + j] }
                }
                if k == l {
                    #expect(image < before + 1e-4)
                    before = image
                } else {
                    #expect(image.magnitude < 1e-5 * Double(count))
                }
            }
        }
    }

    @Test("degenerate matrices give a basis all the same", arguments: [0.0, 1e-300, 1e300, 1])
    func degenerate(value: Double) {
        let count = 5
        let basis = Jacobi.basis(of: [Double](repeating: value, count: count * count), count: count)
        for k in 0..<count {
            let energy = (0..<count).reduce(0) { $0 + basis[k * count + $1] * basis[k * count + $1] }
            #expect((energy - 1).magnitude < 1e-5)
        }
    }

    @Test("bands at, between and beyond the wavelengths, and bands without one, share a basis")
    func placement() throws {
        let bands = [
            Band(name: "a", centerWavelength: 0.45), Band(name: "b", centerWavelength: 0.5),
            Band(name: "c", centerWavelength: 1.7), Band(name: "d", centerWavelength: 10.9), Band(name: "e"),
        ]
        let samples = try scenery(bands: 5, rows: 33, columns: 20, seed: 21)
        let transform = try FrameTransform(stream(bands: bands, rows: 33, columns: 20), model: sampleModel())
        let validity = try transform.validity(of: samples)
        let planes = try transform.forward(samples, validity: validity, choice: .trained(1))
        #expect(try transform.inverse(planes, choice: .trained(1), validity: validity) == samples)
    }

    @Test("without wavelengths no trained set is accepted")
    func noWavelengths() throws {
        let transform = try FrameTransform(
            stream(bands: [Band(name: "VV"), Band(name: "VH")], rows: 8, columns: 8), model: sampleModel())
        #expect {
            try transform.check(.trained(0))
        } throws: { "\($0)".contains("spectral mode") }
        try transform.check(.identity)
    }

    @Test("a set that the model does not have is refused", arguments: [2, 13])
    func unknownSet(mode: Int) throws {
        let transform = try FrameTransform(stream(bands: sampleBands, rows: 8, columns: 8), model: sampleModel())
        #expect(throws: CodecError.outOfRange(field: "spectral mode", value: mode, limit: 1)) {
            try transform.check(.trained(mode))
        }
    }

    @Test("two strongly correlated bands without wavelengths get a fitted basis that packs their energy")
    func fitted() throws {
        var generator = SeededGenerator(seed: 31)
        var first: [UInt16] = []
        var second: [UInt16] = []
        for _ in 0..<64 * 64 {
            let value = UInt16.random(in: 1_000..<9_000, using: &generator)
            first.append(value)
            second.append(value / 2 + UInt16.random(in: 0..<20, using: &generator))
        }
        let samples = try Samples(type: .uint16, bands: 2, rows: 64, columns: 64, bytes: octets(first + second))
        let description = try stream(bands: [Band(name: "VV"), Band(name: "VH")], rows: 64, columns: 64)
        let transform = try FrameTransform(description, model: sampleModel())
        let validity = try transform.validity(of: samples)
        let (planes, choice) = try transform.forward(samples, validity: validity, budget: 2_000)
        #expect(choice.mode == SpectralChoice.fittedMode)
        #expect(choice.parameters.count == 3)
        let half = planes.planeCount
        let energy = { (values: ArraySlice<Float>) -> Double in values.reduce(0) { $0 + Double($1) * Double($1) } }
        // of the low band the mean is left, so leave it out
        #expect(energy(planes.values[half + 1..<2 * half]) < 0.001 * energy(planes.values[1..<half]))
        #expect(try transform.inverse(planes, choice: choice, validity: validity) == samples)
    }

    @Test("each octet string of the right length is a fitted basis that inverts, or is refused")
    func anyParameters() throws {
        let samples = try scenery(bands: 4, rows: 16, columns: 16, seed: 41)
        let transform = try FrameTransform(stream(bands: sampleBands, rows: 16, columns: 16), model: sampleModel())
        let validity = try transform.validity(of: samples)
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<200 {
            let octets = (0..<10).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var reader = ByteReader(octets)
            guard !octets.dropFirst(4).contains(128) else {
                #expect(throws: CodecError.self) { try SpectralChoice(mode: 15, parsing: &reader, bands: 4) }
                continue
            }
            let choice = try SpectralChoice(mode: 15, parsing: &reader, bands: 4)
            let planes = try transform.forward(samples, validity: validity, choice: choice)
            #expect(try transform.inverse(planes, choice: choice, validity: validity) == samples, "\(octets)")
        }
    }

    @Test("a choice cut short, or of no known mode, is refused")
    func badChoice() {
        for count in 0..<10 {
            var reader = ByteReader([UInt8](repeating: 1, count: count))
            #expect(throws: CodecError.self) { try SpectralChoice(mode: 15, parsing: &reader, bands: 4) }
        }
        var reader = ByteReader([UInt8](repeating: 0, count: 5_000))
        #expect(throws: CodecError.outOfRange(field: "bands of a fitted basis", value: 65, limit: 64)) {
            try SpectralChoice(mode: 15, parsing: &reader, bands: 65)
        }
        #expect(throws: CodecError.self) { try SpectralChoice(mode: 16, parsing: &reader, bands: 1) }
    }

    @Test("more bands than a basis can have go through the identity")
    func manyBands() throws {
        let bands = (0..<70).map { Band(name: "\($0)", centerWavelength: 0.4 + 0.01 * Double($0)) }
        let samples = try scenery(bands: 70, rows: 5, columns: 7, seed: 51)
        let transform = try FrameTransform(stream(bands: bands, rows: 5, columns: 7), model: sampleModel())
        let validity = try transform.validity(of: samples)
        let (planes, choice) = try transform.forward(samples, validity: validity, budget: 100_000)
        #expect(choice == .identity)
        #expect(try transform.inverse(planes, choice: choice, validity: validity) == samples)
        #expect(throws: CodecError.self) { try transform.check(.trained(0)) }
    }

    struct BadModel: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let change: @Sendable (inout [String: Tensor]) -> Void
        let field: String
    }

    @Test(
        "a model that cannot be is refused with the field",
        arguments: [
            BadModel(
                testDescription: "no mean", change: { $0["spectral/mean"] = nil }, field: "spectral/mean"),
            BadModel(
                testDescription: "singles",
                change: { $0["spectral/mean"] = Tensor(shape: [5], values: .float32([1, 2, 3, 4, 5])) },
                field: "spectral/mean"),
            BadModel(
                testDescription: "falling wavelengths",
                change: {
                    $0["spectral/wavelengths"] = Tensor(shape: [5], values: .float64([0.5, 0.4, 0.6, 0.7, 0.8]))
                }, field: "spectral/wavelengths"),
            BadModel(
                testDescription: "no wavelengths",
                change: { $0["spectral/wavelengths"] = Tensor(shape: [0], values: .float64([])) },
                field: "spectral/wavelengths"),
            BadModel(
                testDescription: "NaN",
                change: { $0["spectral/mean"] = Tensor(shape: [5], values: .float64([1, 2, .nan, 4, 5])) },
                field: "spectral/mean"),
            BadModel(
                testDescription: "nine indices",
                change: {
                    $0["spectral/covariance"] = Tensor(
                        shape: [1, 9, 5, 5], values: .float64([Double](repeating: 1, count: 225)))
                }, field: "spectral/covariance"),
            BadModel(
                testDescription: "a shape that lies",
                change: {
                    $0["spectral/covariance"] = Tensor(
                        shape: [1, 10, 5, 5], values: .float64([Double](repeating: 1, count: 7)))
                }, field: "spectral/covariance"),
            BadModel(
                testDescription: "a negative variance",
                change: {
                    $0["spectral/covariance"] = Tensor(
                        shape: [1, 10, 5, 5], values: .float64([Double](repeating: -1, count: 250)))
                }, field: "spectral/covariance"),
        ])
    func badModels(_ bad: BadModel) {
        var tensors = sampleTensors()
        bad.change(&tensors)
        #expect {
            try SpectralModel(tensors: tensors)
        } throws: { "\($0)".contains(bad.field) }
    }
}
