import Foundation
import PerigeeArchive
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeProducts
import PerigeeTestSupport
import Testing

@Suite("Renderer and references", .timeLimit(.minutes(10)))
struct RendererReferenceTests {
    private let folder: TemporaryFolder
    private let options: RenderOptions
    /// Frame 1, plain, and frame 2, predicted from its first two layers.
    private let first: TokenFile
    private let second: TokenFile

    init() throws {
        folder = try TemporaryFolder()
        options = RenderOptions(
            archiveDirectory: folder.file("archive"), firmwareDirectory: firmwareFolder,
            productFolder: folder.file("products"), software: "test")
        var file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        file.frame = 1
        first = file
        var decoder = StreamDecoder(store: FirmwareStore(directory: firmwareFolder))
        let part = try #require(
            try decoder.part(of: first, layers: 2, in: (file.declaration, file.metadata)) { _, _ in [] })
        let bundle = try bundle()
        let model = try CodecModel(tensors: bundle.tensors)
        let stream = try StreamDescription(file.declaration, profiles: bundle.profiles)
        let reference = try FrameReference([part], of: stream, model: model)
        let encoder = try FrameEncoder(model: model, stream: stream, lanes: 1)
        let encoded = try encoder.encode(try frame().samples, budgets: [60, 200, 900], reference: reference)
        #expect(encoded.isPredicted)
        file.frame = 2
        file.metadata.references = .init(frames: [.init(back: 1, layers: 2)], hash: reference.hash)
        file.layers = encoded.layers.map { $0[...] }
        second = file
    }

    /// Adds a frame whose packets count from 20 times its number, with its declaration, which looks at all frames anew, or without.
    private func append(_ file: TokenFile, declares: Bool = true) throws {
        var archive = try Archive(options.archiveDirectory)
        let records = try records(file, number: Int(file.frame), first: file.frame * 20)
        _ = try archive.append(Array(records.dropFirst(declares ? 0 : 1)))
    }

    /// Frame 3, plain, in place of frame 2.
    private func appendReplacement() throws {
        var file = first
        file.frame = 3
        file.metadata.replaces = .earlier(back: 1)
        try append(file, declares: false)
    }

    private func wants() throws -> [ArchiveWant] {
        let folder = try WantFolder(options.archiveDirectory)
        return try folder.identities().map { try folder.want($0) }
    }

    private func reasons() throws -> [String?] {
        try ArchiveReader.open(options.archiveDirectory).frames().map(\.undecodable)
    }

    @Test("a frame whose reference is not here waits, and nothing is wanted for it; it is rendered when that has come")
    func waits() throws {
        try append(second)
        var renderer = try Renderer(options)
        #expect(try renderer.pass(report: { _ in }).waitingForReference == 1)
        #expect(try renderer.pass(report: { _ in }).frames == 0)
        #expect(try wants() == [])
        try append(first)
        let summary = try renderer.pass(report: { _ in })
        #expect(summary.rendered == 2 && summary.frames == 2)
        #expect(try reasons() == [nil, nil])
    }

    @Test("a frame whose reference differs is wanted plain, once ever; the plain one takes its place")
    func differs() throws {
        var other = second
        other.metadata.references?.hash ^= 1
        try append(first)
        try append(other)
        var renderer = try Renderer(options)
        let summary = try renderer.pass(report: { _ in })
        #expect(summary.rendered == 1 && summary.referenceDiffers == 1)
        let want = try #require(try wants().first)
        #expect(want.subject == .plain(number: 2) && want.reason == .referenceDiffers && want.epoch == second.epoch)
        #expect(want.station == "lab" && want.state == .open)
        try WantFolder(options.archiveDirectory).remove(want.id)
        var later = try Renderer(options)
        #expect(try later.pass(report: { _ in }).referenceDiffers == 1)
        #expect(try wants() == [])
        try appendReplacement()
        var events: [String] = []
        let last = try later.pass { if case .replaced(_, let other) = $0 { events.append(other) } }
        #expect(last.replaced == 1 && last.referenceDiffers == 0 && last.frames == 2)
        #expect(events == ["\(second.epoch.text)-3"])
        #expect(try later.pass(report: { _ in }).frames == 0)
        // one that begins anew meets the old frame first
        var anew = try Renderer(options)
        let again = try anew.pass(report: { _ in })
        #expect(again.current == 2 && again.referenceDiffers == 1 && again.replaced == 1)
    }

    @Test("a frame that waits in vain is replaced by the plain one too, and comes back if its reference does")
    func replaced() throws {
        try append(second)
        try appendReplacement()
        var renderer = try Renderer(options)
        let summary = try renderer.pass(report: { _ in })
        #expect(summary.rendered == 1 && summary.replaced == 1)
        #expect(try reasons().first??.contains("-3 stands in for it") == true)
        #expect(try renderer.pass(report: { _ in }).frames == 0)
        try append(first)
        var later = try Renderer(options)
        #expect(try later.pass(report: { _ in }).rendered == 2)
        #expect(try reasons() == [nil, nil, nil])
    }

    @Test("a reference that the index knows and nobody can read is wanted plain")
    func damaged() throws {
        try append(first)
        try append(second)
        let path = options.archiveDirectory + "/segments/00000001.seg"
        var octets = try Data(contentsOf: URL(filePath: path))
        let packet = Data(try records(first, number: 1, first: 20)[2].packet)
        octets[try #require(octets.range(of: packet)).lowerBound + 5] ^= 0xFF
        try octets.write(to: URL(filePath: path))
        var renderer = try Renderer(options)
        let summary = try renderer.pass(report: { _ in })
        #expect(summary.referenceDiffers == 1 && summary.failed == 1)
        #expect(try wants().map(\.subject) == [.plain(number: 2)])
    }
}
