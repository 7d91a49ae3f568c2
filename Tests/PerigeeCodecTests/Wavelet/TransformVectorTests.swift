import Foundation
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeTestSupport
import Testing

/// Frozen digests of strict results: Tests/Vectors/transform/1/manifest.json, which also says how inputs are made.
@Suite("golden transform")
struct TransformVectorTests {
    struct Manifest: Decodable {
        let cases: [Case]
    }

    struct Case: Decodable {
        let rows: Int
        let columns: Int
        let mode: Int
        let coefficients: String
        let samples: String
    }

    private static func manifest() throws -> Manifest {
        let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Vectors/transform/1/manifest.json")
        return try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: url))
    }

    @Test("each compiled path gives the frozen coefficients and samples")
    func digests() throws {
        let cases = try Self.manifest().cases
        #expect(cases.count == 8)
        for golden in cases {
            let (rows, columns) = (golden.rows, golden.columns)
            let count = 4 * rows * columns
            var generator = SeededGenerator(seed: UInt64(rows * 1_000 + columns))
            let input = (0..<count).map { _ in UInt16(500 + generator.next() >> 52) }
            let reals = (0..<count).map { _ in Float(Int32(generator.next() >> 40) - (1 << 23)) / 256 }
            let samples = try Samples(type: .uint16, bands: 4, rows: rows, columns: columns, bytes: octets(input))
            for path in StrictPath.all {
                let transform = try FrameTransform(
                    stream(bands: sampleBands, rows: rows, columns: columns), model: sampleModel(), path: path)
                let validity = try transform.validity(of: samples)
                var reader = ByteReader([200, 190, 180, 170, 100, 90, 206, 80, 170, 60])
                let choice = try SpectralChoice(mode: golden.mode, parsing: &reader, bands: 4)
                let planes = try transform.forward(samples, validity: validity, choice: choice)
                #expect(Hex.text(SHA256.digest(octets(planes.values))) == golden.coefficients, "\(golden) \(path.name)")
                let back = try transform.inverse(
                    Planes(components: 4, rows: rows, columns: columns, values: reals), choice: choice,
                    validity: validity)
                #expect(Hex.text(SHA256.digest(back.bytes)) == golden.samples, "\(golden) \(path.name)")
            }
        }
    }
}
