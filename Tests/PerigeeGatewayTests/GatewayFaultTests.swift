import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("Gateway under faults", .timeLimit(.minutes(10)), .serialized)
struct GatewayFaultTests {
    let folder: Folder
    let context: ZeroMQContext

    init() throws {
        folder = try Folder()
        context = try ZeroMQContext()
    }

    private func station(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/status.json"))
        let status = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let stations = try #require(status["stations"] as? [[String: Any]])
        return try #require(stations.first { $0["name"] as? String == name })
    }

    @Test(
        "a disk that is full ends it with code 74 and a note; nothing acknowledged is lost, and it goes on when there is room",
        arguments: [(7_000...8_000, 400), (60...80, 6_000)] as [(ClosedRange<Int>, Int)])
    func fullDisk(_ size: ClosedRange<Int>, _ count: Int) throws {
        // large packets fill the segment first, small ones the index
        var gateway = try GatewayProcess(folder: folder.path, fileSizeLimit: 1 << 20)
        let endpoint = gateway.endpoint
        let all = packets(count: count, seed: 31, size: size)
        let link = try client("lab-1", to: endpoint, context: context)
        for packet in all { #expect(link.enqueue(packet) != .full) }
        #expect(gateway.waitForEnd() == 74)
        #expect(gateway.text.contains("level=error event=stopped"))
        #expect(gateway.text.contains("File too large") || gateway.text.contains("code"))
        let acknowledged = link.snapshot.counters.acknowledged
        do {
            let archive = try Archive(folder.path + "/archive")
            #expect(archive.recovery.damagedSize == 0 && archive.recovery.lostSize == 0)
        }
        let kept = try ArchiveReader.open(folder.path + "/archive").gaps().reduce(0) { $0 + $1.packets }
        #expect(kept >= acknowledged && kept < all.count)
        gateway = try GatewayProcess(folder: folder.path, endpoint: endpoint)
        let end = try link.drain(timeoutMilliseconds: 90_000)
        #expect(end.counters.acknowledged == all.count)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try archived(folder, station: "lab-1").count == count)
        #expect(try Archive.verify(folder.path + "/archive").isSound)
    }

    /// A station by hand: says HELLO and hands back the answer.
    private func greet(
        _ socket: inout Socket, _ station: String, boot: UInt64, greeting: UInt32
    ) throws -> LinkMessage {
        let hello = LinkMessage.Hello(
            station: try StationName(station), epoch: try Epoch(bytes: [UInt8](repeating: 7, count: 16)), boot: boot,
            greeting: greeting, lowest: 1, highest: 0)
        _ = try socket.send(LinkMessage.hello(hello).packed(), waits: true)
        let limit = MessageLimit(partCount: 1, size: LinkLimit.message)
        while true {
            let parts = try #require(try socket.receive(limit: limit, waits: true))
            let message = try LinkMessage(parsing: parts[0][...])
            // what is said of the session before
            if case .bye(let bye) = message, bye.session != 0 { continue }
            return message
        }
    }

    @Test("two stations with one name are told in log and status; the older one is kept out, the newer one served")
    func clones() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        var older = try Socket(.dealer, context: context)
        var newer = try Socket(.dealer, context: context)
        try older.connect(gateway.endpoint)
        try newer.connect(gateway.endpoint)
        func isWelcome(_ message: LinkMessage) -> Bool { if case .welcome = message { true } else { false } }
        #expect(isWelcome(try greet(&older, "twin", boot: 100, greeting: 1)))
        #expect(isWelcome(try greet(&newer, "twin", boot: 200, greeting: 1)))
        #expect(isWelcome(try greet(&older, "twin", boot: 100, greeting: 2)))
        #expect(isWelcome(try greet(&newer, "twin", boot: 200, greeting: 2)))
        #expect(try greet(&older, "twin", boot: 100, greeting: 3) == .bye(.init(session: 0, reason: .superseded)))
        #expect(isWelcome(try greet(&newer, "twin", boot: 200, greeting: 3)))
        #expect(gateway.end(SIGTERM) == 0)
        #expect(gateway.text.contains("level=error event=identity_conflict station=twin"))
        #expect(gateway.text.contains("level=error event=station_refused station=twin"))
        let twin = try station("twin")
        #expect(twin["identity_conflict"] as? Bool == true)
        #expect(twin["identity_conflicts"] as? Int == 3)
        #expect(twin["refused_greetings"] as? Int == 1)
    }

    @Test("a station that greets without end is refused, and its neighbour is served")
    func greetingFlood() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        var flood = try Socket(.dealer, context: context)
        try flood.connect(gateway.endpoint)
        let link = try client("quiet", to: gateway.endpoint, context: context)
        let all = packets(count: 50, seed: 9)
        for packet in all { _ = link.enqueue(packet) }
        var refusals = 0
        for greeting in 1...200 as ClosedRange<UInt32> {
            let answer = try greet(&flood, "loud", boot: 1, greeting: greeting)
            if answer == .bye(.init(session: 0, reason: .full)) { refusals += 1 }
        }
        #expect(refusals > 0 && refusals < 150)
        #expect(try link.drain(timeoutMilliseconds: 60_000).counters.acknowledged == all.count)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try station("loud")["refused_greetings"] as? Int == refusals)
        let quiet = try station("quiet")
        #expect(quiet["stored"] as? Int == all.count)
        #expect(quiet["waiting_octets"] as? Int == 0 && quiet["identity_conflict"] as? Bool == false)
    }
}
