import Foundation
import PerigeeArchive
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("A fleet on one gateway", .timeLimit(.minutes(10)), .serialized)
struct FleetTests {
    @Test("every station delivers everything exactly once, however often the gateway is killed")
    func fleet() throws {
        let (stations, kills) = SlowTests.areExpected ? (200, 20) : (24, 3)
        let folder = try Folder()
        let context = try ZeroMQContext()
        var gateway = try GatewayProcess(folder: folder.path)
        let endpoint = gateway.endpoint
        let all = packets(count: 40, seed: 12, size: 100...2_000)
        var links: [TestLink] = []
        for index in 0..<stations { links.append(try client("s-\(index)", to: endpoint, context: context)) }
        for round in 0..<kills {
            let share = all[all.count * round / kills..<all.count * (round + 1) / kills]
            for link in links { for packet in share { #expect(link.enqueue(packet) != .full) } }
            // so that each kill falls into a running stream
            let before = links.reduce(0) { $0 + $1.snapshot.counters.acknowledged }
            while links.reduce(0, { $0 + $1.snapshot.counters.acknowledged }) == before { usleep(1_000) }
            #expect(gateway.end(SIGKILL) == SIGKILL)
            gateway = try GatewayProcess(folder: folder.path, endpoint: endpoint)
        }
        for link in links {
            let end = try link.drain(timeoutMilliseconds: 300_000)
            #expect(end.counters.acknowledged == all.count)
        }
        #expect(gateway.end(SIGTERM) == 0)
        let epochs = try ArchiveReader.open(folder.path + "/archive").gaps()
        #expect(epochs.count == stations)
        #expect(epochs.allSatisfy { $0.packets == all.count && $0.holes.isEmpty })
        let sound = try Archive.verify(folder.path + "/archive")
        #expect(sound.isSound && sound.records == stations * all.count)
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/status.json"))
        let status = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let named = try #require(status["stations"] as? [[String: Any]])
        #expect(named.allSatisfy { $0["identity_conflict"] as? Bool == false && $0["waiting_octets"] as? Int == 0 })
    }
}
