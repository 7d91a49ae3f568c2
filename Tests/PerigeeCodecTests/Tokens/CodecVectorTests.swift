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

    @Test("the shipped bundle is the one that the vectors were made with", .disabled(if: isRemaking))
    func shippedBundle() throws {
        let shipped = try Self.vectors().filter { $0.model == "Firmware/perigee-1" }
        // a trained set and a fitted basis
        let modes = Set(try shipped.map { Int(try #require(Hex.bytes($0.head)?.first) & 15) })
        #expect(modes.contains { $0 < SpectralChoice.identityMode } && modes.contains(SpectralChoice.fittedMode))
        for vector in shipped {
            #expect(try vector.bundle.map { Hex.text($0.id) } == vector.firmware, "\(vector.name): remake the vectors")
        }
    }

    @Test("samples give the octets of the shipped bundle", .disabled(if: isRemaking))
    func samplesToOctets() throws {
        // how a frame is predicted is the encoder's own choice, whose search may become better
        for vector in try Self.vectors() where vector.history == nil && (vector.firmware != nil || vector.bounds != nil)
        {
            let stream = try vector.stream
            let original = try Samples(
                type: stream.sampleType, bands: stream.bands.count, rows: stream.rows, columns: stream.columns,
                bytes: #require(Hex.bytes(vector.samples)))
            let encoder = try FrameEncoder(model: vector.codecModel, stream: stream, lanes: 2)
            let layers = try encoder.encode(original, budgets: vector.budgets, bound: vector.bound).layers
            #expect(layers.map { Hex.text($0) } == vector.layers, "\(vector.name)")
        }
    }

    @Test("coefficients give the octets", .disabled(if: isRemaking))
    func coefficientsToOctets() throws {
        // coefficients say nothing of a residual: samplesToOctets and octetsToSamples look at those
        for vector in try Self.vectors() where vector.bounds == nil {
            let (stream, model) = (try vector.stream, try vector.codecModel)
            let original = try Samples(
                type: stream.sampleType, bands: stream.bands.count, rows: stream.rows, columns: stream.columns,
                bytes: #require(Hex.bytes(vector.samples)))
            let transform = try FrameTransform(stream, model: model.spectral)
            let validity = try transform.validity(of: original)
            let choice =
                if let reference = try vector.reference() {
                    try FrameDecoder(model: model, stream: stream, lanes: 1).intervals(
                        layers: vector.layers.map { try #require(Hex.bytes($0))[...] }, reference: reference
                    ).choice
                } else {
                    try transform.forward(original, validity: validity, budgets: vector.budgets).choice
                }
            let integers = try #require(Hex.bytes(vector.coefficients)).withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
            }
            let layers = try vector.layers(
                coefficients: integers, choice: choice, validity: validity, head: #require(Hex.bytes(vector.head)))
            #expect(layers.map { Hex.text($0) } == vector.layers, "\(vector.name)")
        }
    }

    @Test("octets give the samples, for each prefix", .disabled(if: isRemaking))
    func octetsToSamples() throws {
        for vector in try Self.vectors() {
            let decoder = try FrameDecoder(model: vector.codecModel, stream: vector.stream, lanes: 1)
            let layers = try vector.layers.map { try #require(Hex.bytes($0)) }
            let reference = try vector.reference()
            #expect(reference.map { String($0.hash, radix: 16) } == vector.history?.hash, "\(vector.name)")
            for prefix in vector.prefixes {
                let kept =
                    layers.prefix(prefix.layers - 1).map { $0[...] } + [
                        layers[prefix.layers - 1].prefix(prefix.lastSize)
                    ]
                let decoded = try decoder.decode(layers: kept, reference: reference)
                #expect(
                    vector.text(decoded) == prefix.samples, "\(vector.name), \(prefix.layers) \(prefix.lastSize)")
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
        for (unfinished, original) in try Self.untrainedCases() + Self.shippedCases() {
            var vector = unfinished
            try vector.remake(original)
            files[vector.name + ".json"] = try VectorFolder.json(vector)
        }
        let manifest = VectorManifest(
            format: "codec", version: VectorFolder.version,
            origin:
                "synthetic frames of Tests/PerigeeCodecTests/Tokens/FrameFixtures.swift, coded by FrameEncoder; those of shipped-* under "
                + "Firmware/perigee-1 of the identity that they name",
            command: VectorFolder.command, files: files.mapValues { VectorFolder.digest($0) })
        files["manifest.json"] = try VectorFolder.json(manifest)
        for (name, data) in files { try data.write(to: URL(filePath: folder + "/" + name)) }
    }

    private static func untrainedCases() throws -> [(CodecVector, Samples)] {
        let cases: [(String, Pattern, SampleType, Int, Int, Int, [Int])] = [
            ("one-sample", .scenery, .uint8, 1, 1, 1, [20]),
            ("one-row", .noise, .int16, 3, 1, 13, [10, 400]),
            ("scenery", .scenery, .uint16, 4, 23, 17, [30, 200, 100_000]),
            ("shared-mask", .holes, .uint16, 3, 16, 18, [2, 120, 900]),
            ("mask-by-band", .holesByBand, .float32, 2, 9, 14, [200, 700]),
            ("all-missing", .allMissing, .int32, 2, 5, 6, [1, 60]),
            ("two-tiles", .scenery, .uint16, 2, 3, 800, [40, 300, 2_500]),
            ("two-tiles-mask", .holesByBand, .uint8, 2, 4, 770, [1_500, 3_000]),
            ("residual-one-sample", .scenery, .uint8, 1, 1, 1, [20]),
            ("residual-lossless", .scenery, .uint16, 4, 23, 17, [30, 200]),
            ("residual-by-band", .holesByBand, .int16, 3, 14, 15, [700]),
            ("residual-wide", .extremes, .int32, 2, 9, 8, [60]),
            ("residual-float", .holes, .float32, 2, 9, 14, [200]),
            ("residual-copies", .constant, .uint8, 2, 12, 13, [20]),
            ("residual-two-tiles", .scenery, .uint8, 2, 4, 800, [300]),
        ]
        let bounds: [String: [Double]] = [
            "residual-one-sample": [0], "residual-lossless": [0, 0, 0, 0], "residual-by-band": [0, 3, 60],
            "residual-wide": [0, 9], "residual-float": [0.01, 0.25], "residual-copies": [0, 1],
            "residual-two-tiles": [0, 0], "predicted-lossless": [0, 0, 0],
        ]
        return try (cases + HistoryCases.untrained).map { name, pattern, type, count, rows, columns, budgets in
            var (vector, original) = try untrained(
                name, pattern, type, bands: count, rows: rows, columns: columns, budgets: budgets,
                bounds: bounds[name])
            if name.hasPrefix("predicted") {
                vector.history = try HistoryCases.entry(
                    name, pattern, type, bands: count, rows: rows, columns: columns)
            }
            return (vector, original)
        }
    }

    private static func untrained(
        _ name: String, _ pattern: Pattern, _ type: SampleType, bands count: Int, rows: Int, columns: Int,
        budgets: [Int], bounds: [Double]?
    ) throws -> (CodecVector, Samples) {
        let (original, nodata) = try samples(
            pattern, type: type, bands: count, rows: rows, columns: columns, seed: 9)
        let peak = type == .uint8 ? 255.0 : (type == .float32 ? 3 : 10_000)
        let vector = CodecVector(
            name: name, model: "untrained", bands: bands(count).map { CodecVector.BandEntry($0) }, type: type.name,
            rows: rows, columns: columns, peak: peak, scale: 1, nodata: nodata, samples: "", coefficients: "", head: "",
            budgets: budgets, bounds: bounds, layers: [], prefixes: [])
        return (vector, original)
    }

    /// Small frames with the spectra of fields and forest, under the shipped bundle.
    private static func shippedCases() throws -> [(CodecVector, Samples)] {
        let model = "Firmware/perigee-1"
        let bundle = try FirmwareBundle.load(directory: SharedData.packageRoot + "/" + model)
        let profile = try #require(bundle.profiles.first { $0.name == "sentinel-2-l2a" })
        let cases: [(String, ClosedRange<Int>, Int, Int, Bool, [Int])] = [
            ("shipped-l2a", 0...11, 24, 21, false, [30, 100, 230]),
            ("shipped-l2a-fitted", 0...11, 19, 16, false, [600, 2_500]),
            ("shipped-two-tiles-mask", 1...3, 3, 790, true, [200, 900]),
            ("shipped-predicted", 0...11, 40, 37, true, [200, 1_200]),
        ]
        return try cases.map { name, chosen, rows, columns, hasHoles, budgets in
            var chosenBands = Array(profile.bands[chosen])
            let original = try landscape(chosenBands, rows: rows, columns: columns, hasHoles: hasHoles)
            // Bases are fitted where nothing says which trained one would do.
            if name.hasSuffix("fitted") { chosenBands = chosenBands.map { Band(name: $0.name) } }
            var vector = CodecVector(
                name: name, model: model, firmware: Hex.text(bundle.id),
                bands: chosenBands.map { CodecVector.BandEntry($0) }, type: "uint16", rows: rows,
                columns: columns, peak: profile.peak, scale: profile.scale, nodata: hasHoles ? 0 : nil, samples: "",
                coefficients: "", head: "", budgets: budgets, layers: [], prefixes: [])
            if name.hasSuffix("predicted") {
                let earlier = try landscape(chosenBands, rows: rows, columns: columns, hasHoles: false, seed: 12)
                vector.history = HistoryEntry(
                    parts: [
                        .init(rows: rows, columns: columns, row: 0, column: 0, samples: Hex.text(earlier.bytes))
                    ], hash: "", predictions: [])
            }
            return (vector, original)
        }
    }
}
