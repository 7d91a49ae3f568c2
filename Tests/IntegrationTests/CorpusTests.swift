import Foundation
import PerigeeCodec
import PerigeeConfig
import PerigeeCore
import PerigeeFirmware
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeLink
import PerigeeTestSupport
import Testing

/// What the fuzzers start from, and what they once found, through every parser of octets from outside: each must come back, with a
/// value or an error. `make fuzz` goes on from here under a sanitizer.
@Suite("Hostile octets")
struct CorpusTests {
    static let corpus: [String] = {
        let folder = SharedData.packageRoot + "/Tests/Fuzz/Corpus"
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.contains("/") }.sorted().map { folder + "/" + $0 }
    }()

    @Test("the corpora are there, one for each fuzzer")
    func isComplete() throws {
        let root = SharedData.packageRoot + "/Tests/Fuzz/"
        let fuzzers = try FileManager.default.contentsOfDirectory(atPath: root + "Sources").sorted()
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "Corpus").sorted() == fuzzers)
        #expect(Self.corpus.count > fuzzers.count)
    }

    @Test("every parser survives every input of every corpus, whole, cut and with bits flipped", arguments: corpus)
    func survives(_ path: String) throws {
        let octets = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var generator = SeededGenerator(seed: UInt64(octets.count))
        var inputs = [octets, Array(octets.prefix(octets.count / 2)), Array(octets.dropLast(1))]
        for _ in 0..<20 where !octets.isEmpty {
            var changed = octets
            changed[Int.random(in: changed.indices, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
            inputs.append(changed)
        }
        for input in inputs {
            // What is refused is refused by everyone alike: asked twice, answered the same.
            #expect(Self.accepted(input) == Self.accepted(input))
        }
    }

    /// Which parsers take these octets.
    private static func accepted(_ octets: [UInt8]) -> [Bool] {
        let frames = FrameLimits(headerSize: 4_096, frameSize: 65_536)
        let document = try? TomlDocument(parsing: octets, name: "corpus")
        return [
            (try? Packet(parsing: octets[...])) != nil, (try? TokenFile(parsing: octets)) != nil,
            (try? TokenFile(parsing: octets, allowsPrefix: true)) != nil,
            (try? LinkMessage(parsing: octets[...])) != nil,
            (try? FrameHeader(parsing: octets[...], limits: FrameLimits())) != nil,
            (try? FrameMessage(parsing: [[], octets, octets], limits: frames).frame(profileNodata: 0)) != nil,
            (try? FirmwareManifest(parsing: octets)) != nil, (try? PackedBundle(parsing: octets)) != nil,
            (try? Safetensors.parse(octets, file: "corpus")) != nil, (try? DetachedSignature(parsing: octets)) != nil,
            (try? SigningPublicKey(parsing: octets)) != nil,
            (try? JSONValue(parsing: octets[...], depthLimit: 16)) != nil,
            document != nil, (try? document.map { try StationConfiguration($0) }) != nil,
            (try? document.map { try GatewaySettings($0) }) != nil,
        ]
    }
}
