import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeRaster
import PerigeeTestSupport
import Testing

@Suite("What a data centre wants of a station", .timeLimit(.minutes(10)))
struct WantEndToEndTests {
    private func frame(_ daemons: Daemons) throws -> (layers: Int, bytes: Int) {
        guard
            case .array(let frames)? = try Programs.succeed("archive", "list", "--json", daemons.archive).json()[
                "frames"],
            let frame = frames.first(where: { $0["frame"]?.int == 1 })
        else { return (0, 0) }
        return (frame["complete_layers"]?.int ?? 0, frame["bytes"]?.int ?? 0)
    }

    @Test("a frame that was sent in few octets comes to the last bit when all its layers are wanted")
    func restores() async throws {
        let daemons = try Daemons(target: "1000x")
        try daemons.startGateway()
        try daemons.startStation()
        let scenes = daemons.folder.file("scenes")
        try Programs.succeed(
            "simulate", "-o", scenes, "--places", "1", "--visits", "2", "--rows", "128", "--columns", "128")
        let names = try rasters(scenes)
        try #require(names.count == 2)
        for name in names {
            try Programs.succeed(
                "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, "\(scenes)/\(name)")
        }
        try await daemons.waitForDelivery(2)
        let words = ["archive", "want", "--station", "test", "--frame", "1", "--layers", "255", daemons.archive]
        #expect(try Programs.perigee(words).code == 0)
        try await daemons.waitForGateway("the wanted layers") { $0["wants"]?["done"]?.int == 1 }
        #expect(daemons.stopStation() == 0)
        let products = daemons.folder.file("products")
        try Programs.succeed("render", "--archive", daemons.archive, "-o", products)
        let originals = try names.map { try RasterReader.read("\(scenes)/\($0)").frame }
        let restored = try rasters(products).map { try RasterReader.read("\(products)/\($0)").frame }
        let exact = restored.filter { frame in originals.contains { $0.samples == frame.samples } }
        #expect(restored.count == 2 && exact.count == 1)
        #expect(
            exact.first?.description.datetime
                == originals.first { $0.samples == exact.first?.samples }?.description.datetime)
        #expect(try Programs.succeed("archive", "verify", "--json", daemons.archive).json()["sound"] == .bool(true))
    }

    private func rasters(_ folder: String) throws -> [String] {
        try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".tif") }.sorted()
    }

    @Test("layers that the station kept come when they are wanted, and what it never had is said to be gone")
    func refines() async throws {
        let daemons = try Daemons(target: "1000x")
        try daemons.startGateway()
        try daemons.startStation()
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--places", "2", "--rows", "128", "--columns", "128")
        try await daemons.waitForDelivery(2)
        let before = try frame(daemons)
        let words = ["archive", "want", "--station", "test"]
        let finer = words + ["--frame", "1", "--layers", "\(before.layers + 1)", daemons.archive]
        #expect(try Programs.perigee(finer).code == 0)
        #expect(try Programs.perigee(words + ["--frame", "77", "--layers", "2", daemons.archive]).code == 0)
        #expect(try Programs.perigee(words + ["--numbers", "1-2", daemons.archive]).code == 0)
        try await daemons.waitForGateway("the outcome of three wants") { status in
            let wants = status["wants"]
            return wants?["done"]?.int == 2 && (wants?["gone"]?.int ?? 0) + (wants?["unknown"]?.int ?? 0) == 1
        }
        let after = try frame(daemons)
        #expect(after.layers == before.layers + 1 && after.bytes > before.bytes)
        #expect(daemons.stopStation() == 0)
        #expect(try Programs.perigee(["archive", "gaps", daemons.archive]).code == 0)
        #expect(try Programs.succeed("archive", "verify", "--json", daemons.archive).json()["sound"] == .bool(true))
    }
}
