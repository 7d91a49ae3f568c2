import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeLink
import PerigeeTransport
import Testing

@Suite("Two gateways", .timeLimit(.minutes(10)), .serialized)
struct FailoverTests {
    private func gaps(_ folder: Folder) throws -> EpochGaps {
        try #require(try ArchiveReader.open(folder.path + "/archive").gaps(station: "lab-1").first)
    }

    @Test(
        "the first dies, the second goes on, the first comes back: nothing is lost, and each knows what the other has")
    func failsOver() throws {
        let folders = [try Folder(), try Folder()]
        var gateways = try folders.map { try GatewayProcess(folder: $0.path) }
        let all = packets(count: 299, seed: 3)
        let context = try ZeroMQContext()
        let link = try client(
            "lab-1", to: gateways[0].endpoint, context: context, fallbacks: [gateways[1].endpoint])
        func send(_ indices: Range<Int>) throws {
            for packet in all[indices] { _ = try link.enqueue(packet, timeoutMilliseconds: 60_000) }
        }
        try send(0..<100)
        while link.snapshot.counters.acknowledged < 100 { usleep(1_000) }
        try send(100..<150)
        #expect(gateways[0].end(SIGKILL) == SIGKILL)
        try send(150..<200)
        while link.heldPackets > 0 { usleep(1_000) }
        #expect(link.snapshot.gateway == 1)
        let endpoint = gateways[0].endpoint
        gateways[0] = try GatewayProcess(folder: folders[0].path, endpoint: endpoint)
        while link.snapshot.gateway != 0 { usleep(1_000) }
        try send(200..<300)
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained && end.counters.acknowledged == 300 && end.counters.failovers >= 2)
        for gateway in gateways { #expect(gateway.end(SIGTERM) == 0) }
        let (first, second) = (try gaps(folders[0]), try gaps(folders[1]))
        #expect(first.highest == 300 && first.packets + second.packets >= 300)
        for gaps in [first, second] {
            #expect(
                !gaps.holes.isEmpty && gaps.holes.allSatisfy { $0.cause == .tombstone(.elsewhere) }, "\(gaps.holes)")
        }
        for hole in first.holes {
            #expect(!second.holes.contains { $0.numbers.overlaps(hole.numbers) }, "one of them has it")
            #expect(hole.numbers.upperBound <= second.highest + 1)
        }
    }
}
