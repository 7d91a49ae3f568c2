import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// What a station says it saves, against a relay that counts every octet of its line, over a life that ends without a word.
@Suite("The saving, counted from outside")
struct SavingEndToEndTests {
    private static let rows = 256

    /// A port that nobody has; the gateway takes it a moment later.
    private func freePort() throws -> UInt16 { try PortHolder().port }

    private func publish(_ daemons: Daemons, _ count: Int) throws {
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--places", "\(count)", "--rows", "\(Self.rows)",
            "--columns", "\(Self.rows)")
    }

    private func waitForDelivery(_ daemons: Daemons, _ count: Int) async throws {
        try await daemons.wait("\(count) frames delivered") { status in
            status["ledger"]?["delivered"]?.int == count && status["link"]?["held_packets"]?.int == 0
        }
    }

    @Test(
        "agrees with the outside counter within 2 %, encrypted, through a cut line and kill -9",
        .timeLimit(.minutes(10))
    )
    func counted() async throws {
        let port = try freePort()
        let relay = try CountingRelay(to: port)
        defer { relay.stop() }
        let daemons = try Daemons(line: ("tcp://127.0.0.1:\(relay.port)", "tcp://127.0.0.1:\(port)"))
        let keys = daemons.folder.file("keys")
        try Programs.succeed("keys", "gen", "gateway", "-d", keys)
        try Programs.succeed("keys", "gen", "station", "-d", keys)
        try Programs.succeed("keys", "allow", "test", keys + "/station.pub", "-d", keys)
        try daemons.startGateway()
        try daemons.startStation()
        try publish(daemons, 6)
        try await waitForDelivery(daemons, 6)
        relay.cut()
        try publish(daemons, 4)
        try await waitForDelivery(daemons, 10)
        let before = try #require(daemons.status?["saving"]?["total"])
        daemons.killStation()
        try daemons.startStation()
        try publish(daemons, 4)
        try await waitForDelivery(daemons, 14)
        #expect(daemons.stopStation() == 0)
        relay.waitUntilQuiet()
        let total = try #require(daemons.status?["saving"]?["total"])
        #expect(total["frames"]?.int == 14 && total["since"] == before["since"])
        let raw = try #require(total["raw_bytes"]?.int)
        #expect(try raw * 10 == #require(before["raw_bytes"]?.int) * 14)
        let told = Double(try #require(total["link_bytes"]?.int))
        let counted = Double(relay.counts.up + relay.counts.down)
        print("link octets: the station says \(told), the relay counted \(counted)")
        #expect(abs(told - counted) <= 0.02 * counted, "told \(told), counted \(counted)")
        #expect(try #require(total["raw_over_link"]?.double) > 50)
    }
}
