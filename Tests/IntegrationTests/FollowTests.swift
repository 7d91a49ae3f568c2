import Foundation
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("Publishing and following")
struct FollowTests {
    @Test("PUB to SUB loses nothing, and products appear while packets arrive", .timeLimit(.minutes(10)))
    func follow() async throws {
        let daemons = try Daemons(subscribes: true)
        let products = daemons.folder.file("products")
        let renderer = try daemons.startRenderer(products: products)
        defer { if renderer.isRunning { renderer.terminate() } }
        try daemons.startGateway()
        try daemons.startStation()
        try Programs.succeed(
            "simulate", "--publish", "--mode", "pub", "--endpoint", daemons.frames, "--visits", "5", "--rows", "48",
            "--columns", "40")
        try await daemons.waitForDelivery(5)
        #expect(daemons.status?["intake"]?["missed"]?.int == 0)
        func count(_ suffix: String) -> Int {
            let names = FileManager.default.enumerator(atPath: products)?.compactMap { $0 as? String } ?? []
            return names.count { $0.hasSuffix(suffix) && !$0.contains(".part") }
        }
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while count(".json") < 5, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(50)) }
        #expect(count(".tif") == 5 && count(".json") == 5)
        renderer.terminate()
        renderer.waitUntilExit()
        #expect(renderer.terminationReason == .exit && renderer.terminationStatus == 0)
    }

    @Test("an index that was lost is made anew, and lists the same frames", .timeLimit(.minutes(10)))
    func reindex() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        try daemons.startStation()
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--visits", "3", "--rows", "48", "--columns", "40")
        try await daemons.waitForDelivery(3)
        let held = try Programs.perigee(["archive", "reindex", daemons.archive])
        #expect(held.code == 69, "a gateway is at work: \(held.errors)")
        #expect(daemons.stopStation() == 0)
        daemons.killGateway()
        let before = try Programs.succeed("archive", "list", "--json", daemons.archive).output
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: daemons.archive + "/index.sqlite" + suffix)
        }
        try Programs.succeed("archive", "reindex", daemons.archive)
        #expect(try Programs.succeed("archive", "list", "--json", daemons.archive).output == before)
        #expect(try Programs.succeed("archive", "verify", "--json", daemons.archive).json()["sound"] == .bool(true))
    }
}
