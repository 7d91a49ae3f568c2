import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeProducts
import PerigeeTestSupport
import Testing

@Suite("Renderer", .timeLimit(.minutes(10)))
struct RendererTests {
    private let folder: TemporaryFolder
    private let options: RenderOptions

    init() throws {
        folder = try TemporaryFolder()
        options = RenderOptions(
            archiveDirectory: folder.file("archive"), firmwareDirectory: folder.file("firmware"),
            productFolder: folder.file("products"), software: "test")
        try FileManager.default.createDirectory(atPath: options.firmwareDirectory, withIntermediateDirectories: true)
    }

    private func installFirmware() throws {
        try FileManager.default.copyItem(
            atPath: firmwareFolder + "/perigee-1", toPath: options.firmwareDirectory + "/perigee-1")
    }

    private func append(_ records: [ArchiveRecord]) throws {
        var archive = try Archive(options.archiveDirectory)
        _ = try archive.append(records)
    }

    private func products() throws -> [String] {
        let folder = options.productFolder + "/lab/07070707070707070707070707070707"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test("renders what is there once, and again when a finer layer comes")
    func refines() throws {
        try installFirmware()
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        let records = try records(file)
        #expect(records.count == 4)
        try append(Array(records.prefix(2)))
        var renderer = try Renderer(options)
        var layers: [Int] = []
        func pass() throws -> RenderSummary {
            try renderer.pass { if case .rendered(_, _, let count) = $0 { layers.append(count) } }
        }
        #expect(try pass().rendered == 1)
        #expect(try pass().frames == 0)
        try append(Array(records.dropFirst(2)))
        #expect(try pass().rendered == 1)
        #expect(layers == [1, 3])
        #expect(try products() == ["20180615T105401Z_000000000001.json", "20180615T105401Z_000000000001.tif"])
        var another = try Renderer(options)
        #expect(try another.pass(report: { _ in }).current == 1)
    }

    @Test("a frame of an unknown firmware is noted, and rendered when the bundle comes")
    func unknownFirmware() throws {
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        try append(try records(file))
        var renderer = try Renderer(options)
        var reasons: [String] = []
        let first = try renderer.pass { if case .undecodable(_, let reason) = $0 { reasons.append(reason) } }
        #expect(first.undecodable == 1)
        #expect(
            reasons == [
                "undecodable: firmware \(Hex.text(file.declaration.firmware)) is not in the store: put its bundle there"
            ])
        #expect(try products() == ["20180615T105401Z_000000000001.undecodable.json"])
        let archived = try #require(try ArchiveReader.open(options.archiveDirectory).frames().first)
        #expect(archived.undecodable == reasons.first)
        #expect(try renderer.pass(report: { _ in }).frames == 0)
        try installFirmware()
        #expect(try renderer.pass(report: { _ in }).rendered == 1)
        #expect(try products() == ["20180615T105401Z_000000000001.json", "20180615T105401Z_000000000001.tif"])
        #expect(try ArchiveReader.open(options.archiveDirectory).frames().first?.undecodable == nil)
    }

    @Test("a damaged bundle is no reason to give up: the frame is rendered when it is whole")
    func damagedFirmware() throws {
        try installFirmware()
        let model = options.firmwareDirectory + "/perigee-1/model.safetensors"
        let whole = try Data(contentsOf: URL(filePath: model))
        try whole.dropLast(1).write(to: URL(filePath: model))
        try append(try records(try tokens(try frame(), profile: try profile("sentinel-2-l2a"))))
        var renderer = try Renderer(options)
        #expect(try renderer.pass(report: { _ in }).undecodable == 1)
        #expect(try renderer.pass(report: { _ in }).frames == 0)
        try whole.write(to: URL(filePath: model))
        #expect(try renderer.pass(report: { _ in }).rendered == 1)
    }

    @Test("a frame whose declaration or first part has not come waits, others are rendered")
    func waits() throws {
        try installFirmware()
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        let lost = try records(file, number: 8, declaration: 9, first: 100)
        try append(Array(lost.dropFirst()) + (try records(file)))
        var renderer = try Renderer(options)
        let summary = try renderer.pass(report: { _ in })
        #expect(summary.waiting == 1 && summary.rendered == 1)
        try append(Array(lost.prefix(1)))
        #expect(try renderer.pass(report: { _ in }).rendered == 1)
    }

    @Test("a frame that contradicts its firmware fails alone")
    func failsAlone() throws {
        try installFirmware()
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        var bad = file
        bad.declaration.profile = .known(index: 200, bands: nil)
        try append(try records(bad, number: 1, declaration: 1) + records(file, number: 2, declaration: 2, first: 50))
        var renderer = try Renderer(options)
        let summary = try renderer.pass(report: { _ in })
        #expect(summary.failed == 1 && summary.rendered == 1)
    }

    @Test("a folder of products that cannot be made stops rendering with its name")
    func noFolder() throws {
        try installFirmware()
        try append(try records(try tokens(try frame(), profile: try profile("sentinel-2-l2a"))))
        try Data().write(to: URL(filePath: options.productFolder))
        #expect {
            var renderer = try Renderer(options)
            _ = try renderer.pass(report: { _ in })
        } throws: { error in "\(error)".contains(options.productFolder) }
    }

    @Test("following waits for the archive, renders, and stops when told")
    func follows() throws {
        try installFirmware()
        let file = try tokens(try frame(), profile: try profile("sentinel-2-l2a"))
        var rendered = 0
        var asked = 0
        try Renderer.follow(
            options, intervalMilliseconds: 1,
            isStopped: {
                asked += 1
                if asked == 5 { try? append((try? records(file)) ?? []) }
                return rendered > 0 || asked > 10_000
            }, report: { if case .rendered = $0 { rendered += 1 } })
        #expect(rendered == 1)
    }
}
