import Foundation
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeProducts
import PerigeeRaster
import PerigeeTestSupport
import Testing

@Suite("References of predicted frames")
struct ReferenceTests {
    private var decoder = StreamDecoder(store: FirmwareStore(directory: firmwareFolder))

    /// A plain frame whose samples depend on `seed`, of frame number `number`.
    private func plain(_ seed: Int, number: UInt64) throws -> TokenFile {
        var source = try frame()
        source.samples = try Samples(
            type: .uint16, bands: 3, rows: 40, columns: 48,
            bytes: source.samples.bytes.enumerated().map { $0.offset % 2 == 0 ? $0.element &+ UInt8(seed) : $0.element }
        )
        var file = try tokens(source, profile: try profile("sentinel-2-l2a"))
        file.frame = number
        return file
    }

    /// `file` as if it had been predicted from `earlier`, which lies `back` frames before it; of its own layers nothing is
    /// asked here.
    private mutating func predicted(
        _ file: TokenFile, from earlier: TokenFile, back: UInt64, known: [TokenFile] = []
    ) throws -> TokenFile {
        let part = try #require(
            try decoder.part(of: earlier, layers: 2, in: (file.declaration, file.metadata)) { reference, frame in
                known.filter { $0.frame + reference.back == frame.frame }
            })
        let bundle = try bundle()
        let reference = try FrameReference(
            [part], of: try StreamDescription(file.declaration, profiles: bundle.profiles),
            model: try CodecModel(tensors: bundle.tensors))
        var file = file
        file.metadata.references = .init(frames: [.init(back: back, layers: 2)], hash: reference.hash)
        return file
    }

    @Test("a plain frame has none, and is not asked for any")
    mutating func none() throws {
        let reference = try decoder.reference(of: try plain(1, number: 1)) { _, _ in
            Issue.record("asked")
            return []
        }
        #expect(reference == nil)
    }

    @Test("among frames that only the hash can tell apart the right one is found, wherever it stands")
    mutating func byHash() throws {
        let (wrong, right) = (try plain(1, number: 1), try plain(9, number: 2))
        let file = try predicted(try plain(3, number: 3), from: right, back: 0)
        for known in [[wrong, right], [right, wrong]] {
            #expect(try decoder.reference(of: file) { _, _ in known }?.hash == file.metadata.references?.hash)
        }
        #expect {
            try decoder.reference(of: file) { _, _ in [wrong] }
        } throws: { "\($0)".contains("make another one") && "\($0)".contains(file.identity) }
        #expect {
            try decoder.reference(of: file) { _, _ in [] }
        } throws: { "\($0)".contains("which are not here") && "\($0)".contains(file.identity) }
    }

    @Test("a frame that lacks a layer that counts is not taken")
    mutating func tooFewLayers() throws {
        var earlier = try plain(1, number: 1)
        let file = try predicted(try plain(3, number: 3), from: earlier, back: 0)
        earlier.layers.removeLast(2)
        let cut = earlier
        #expect { try decoder.reference(of: file) { _, _ in [cut] } } throws: { "\($0)".contains("not here") }
    }

    @Test(
        "a product of a predicted frame says so, and that its history dominates from 3,000x on",
        arguments: [(900, "predicted"), (4, "predicted"), (3, "history-dominated"), (0, "history-dominated")])
    mutating func history(size: Int, expected: String) throws {
        let earlier = try plain(9, number: 2)
        let file = try predicted(try plain(3, number: 3), from: earlier, back: 1)
        let reference = try decoder.reference(of: file) { _, _ in [earlier] }
        // 11,520 octets of samples
        let layers = size == 900 ? file.layers : [file.layers[0].prefix(size)]
        let folder = try TemporaryFolder()
        let writer = ProductWriter(folder: folder.path)
        let product = try writer.write(
            decoder.decode(file.declaration, metadata: file.metadata, layers: layers, reference: reference),
            facts(file))
        #expect(try RasterReader.read(product.raster).metadata["perigee_history"] == expected)
        #expect(try properties(product.item)["perigee:history"] as? String == expected)
        let plain = try writer.write(
            decoder.decode(earlier.declaration, metadata: earlier.metadata, layers: [earlier.layers[0].prefix(size)]),
            facts(earlier))
        #expect(try RasterReader.read(plain.raster).metadata["perigee_history"] == nil)
        #expect(try properties(plain.item)["perigee:history"] == nil)
    }

    private func properties(_ item: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: item))) as? [String: Any]
        return try #require(object?["properties"] as? [String: Any])
    }

    @Test("eight predictions may follow each other, nine may not")
    mutating func depth() throws {
        var known = [try plain(0, number: 0)]
        for number in 1...9 {
            let next = try plain(number * 3, number: UInt64(number))
            let all = known
            if number == 9 {
                let deepest = try #require(known.last)
                #expect {
                    try decoder.part(of: deepest, layers: 2, in: (next.declaration, next.metadata)) {
                        reference, frame in
                        all.filter { $0.frame + reference.back == frame.frame }
                    }
                } throws: { "\($0)".contains("8 predictions") }
                return
            }
            known.append(try predicted(next, from: try #require(known.last), back: 1, known: all))
        }
    }
}
