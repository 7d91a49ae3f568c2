import Foundation
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeTestSupport
import Testing

@Suite("golden vectors of the codec")
struct CodecVectorTests {
    private static let isRemaking = ProcessInfo.processInfo.environment["PERIGEE_GOLDEN"] != nil

    private static func vectors() throws -> [CodecVector] {
        try VectorFolder.manifest().files.keys.sorted().filter { $0 != "tensors.json" }.map {
            try JSONDecoder().decode(CodecVector.self, from: VectorFolder.read($0))
        }
    }

    @Test("files are those of the manifest", .disabled(if: isRemaking))
    func digests() throws {
        let manifest = try VectorFolder.manifest()
        #expect(manifest.files.count >= 6)
        for (name, digest) in manifest.files {
            #expect(VectorFolder.digest(try VectorFolder.read(name)) == digest, "\(name)")
        }
    }

    @Test("coefficients give the octets", .disabled(if: isRemaking))
    func coefficientsToOctets() throws {
        for vector in try Self.vectors() {
            let (stream, model) = (try vector.stream, try vector.codecModel)
            let original = try Samples(
                type: stream.sampleType, bands: stream.bands.count, rows: stream.rows, columns: stream.columns,
                bytes: #require(Hex.bytes(vector.samples)))
            let validity = try FrameTransform(stream, model: model.spectral).validity(of: original)
            let integers = try #require(Hex.bytes(vector.coefficients)).withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
            }
            let encoder = TokenEncoder(
                rows: stream.rows, columns: stream.columns,
                levels: WaveletGeometry(rows: stream.rows, columns: stream.columns).levels,
                components: stream.bands.count, tables: model.tables, lanes: 1)
            let frame = try encoder.encode(
                integers: integers, validity: validity, head: #require(Hex.bytes(vector.head)), budgets: vector.budgets)
            #expect(frame.layers.map { Hex.text($0) } == vector.layers, "\(vector.name)")
        }
    }

    @Test("octets give the samples, for each prefix", .disabled(if: isRemaking))
    func octetsToSamples() throws {
        for vector in try Self.vectors() {
            let decoder = try FrameDecoder(model: vector.codecModel, stream: vector.stream, lanes: 1)
            let layers = try vector.layers.map { try #require(Hex.bytes($0)) }
            for prefix in vector.prefixes {
                let kept =
                    layers.prefix(prefix.layers - 1).map { $0[...] } + [
                        layers[prefix.layers - 1].prefix(prefix.lastSize)
                    ]
                let decoded = try decoder.decode(layers: kept)
                #expect(
                    Hex.text(decoded.bytes) == prefix.samples, "\(vector.name), \(prefix.layers) \(prefix.lastSize)")
            }
        }
    }

    @Test("remake the vectors", .enabled(if: isRemaking, "only with PERIGEE_GOLDEN set to the folder"))
    func remake() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["PERIGEE_GOLDEN"])
        var files: [String: Data] = [:]
        files["tensors.json"] = try VectorFolder.json(
            sampleTensors().mapValues { tensor in
                guard case .float64(let values) = tensor.values else { return [Double]() }
                return values
            })
        let cases: [(String, String, Pattern, SampleType, Int, Int, Int, [Int])] = [
            ("one-sample", "untrained", .scenery, .uint8, 1, 1, 1, [20]),
            ("one-row", "untrained", .noise, .int16, 3, 1, 13, [10, 400]),
            ("scenery", "untrained", .scenery, .uint16, 4, 23, 17, [30, 200, 100_000]),
            ("shared-mask", "untrained", .holes, .uint16, 3, 16, 18, [2, 120, 900]),
            ("mask-by-band", "untrained", .holesByBand, .float32, 2, 9, 14, [200, 700]),
            ("all-missing", "untrained", .allMissing, .int32, 2, 5, 6, [1, 60]),
            ("two-tiles", "untrained", .scenery, .uint16, 2, 3, 800, [40, 300, 2_500]),
            ("two-tiles-mask", "untrained", .holesByBand, .uint8, 2, 4, 770, [1_500, 3_000]),
        ]
        for (name, model, pattern, type, count, rows, columns, budgets) in cases {
            let (original, nodata) = try samples(
                pattern, type: type, bands: count, rows: rows, columns: columns, seed: 9)
            let entries = bands(count).map {
                CodecVector.BandEntry(name: $0.name, wavelength: $0.centerWavelength, gsd: $0.groundSamplingDistance)
            }
            var vector = CodecVector(
                name: name, model: model, bands: entries, type: type.name, rows: rows, columns: columns,
                peak: type == .uint8 ? 255 : (type == .float32 ? 3 : 10_000), scale: 1, nodata: nodata, samples: "",
                coefficients: "", head: "", budgets: budgets, layers: [], prefixes: [])
            try vector.remake(original)
            files[name + ".json"] = try VectorFolder.json(vector)
        }
        let manifest = VectorManifest(
            format: "codec", version: VectorFolder.version,
            origin: "synthetic frames of Tests/PerigeeCodecTests/Tokens/FrameFixtures.swift, coded by FrameEncoder",
            command: VectorFolder.command, files: files.mapValues { VectorFolder.digest($0) })
        files["manifest.json"] = try VectorFolder.json(manifest)
        for (name, data) in files { try data.write(to: URL(filePath: folder + "/" + name)) }
    }
}
