import Foundation
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("Octets on the wire", .timeLimit(.minutes(10)), .serialized)
struct WireTests {
    @Test(
        "the link's count agrees within 2 % with a relay that counts every octet, a cut connection included",
        arguments: [(0, 400, 100...4_000), (1, 400, 100...4_000), (1, 300, 1...40)])
    func agrees(_ cuts: Int, count: Int, size: ClosedRange<Int>) throws {
        let folder = try Folder()
        let context = try ZeroMQContext()
        let gateway = try GatewayProcess(folder: folder.path)
        let port = try #require(UInt16(gateway.endpoint.split(separator: ":").last ?? ""))
        let relay = try CountingRelay(to: port)
        defer { relay.stop() }
        let link = try client("wire", to: "tcp://127.0.0.1:\(relay.port)", context: context)
        let all = packets(count: count, seed: 11, size: size)
        for (index, packet) in all.enumerated() {
            _ = link.enqueue(packet)
            if cuts > 0, index == count / 2 {
                while link.heldPackets > 0 { usleep(1_000) }
                relay.cut()
                // what is given to a socket whose connection is dead already is counted, but never seen
                while link.snapshot.state == .live { usleep(1_000) }
            }
        }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.counters.acknowledged == all.count)
        #expect(end.counters.sessions == 1 + cuts)
        relay.waitUntilQuiet()
        let (up, down) = relay.counts
        #expect(abs(end.wireSent - up) * 50 <= up, "\(end.wireSent) counted, \(up) seen")
        #expect(abs(end.wireReceived - down) * 50 <= down, "\(end.wireReceived) counted, \(down) seen")
        print("wire: counted \(end.wireSent) up \(end.wireReceived) down, seen \(up) up \(down) down")
        _ = gateway.end(SIGTERM)
    }

    @Test("under CURVE the count is the relay's to the octet, handshake included, and a refusal's too")
    func encrypted() throws {
        let bench = try KeyBench()
        let own = try KeyPair.generate()
        let gateway = try bench.start()
        let relay = try CountingRelay(to: try #require(UInt16(gateway.endpoint.split(separator: ":").last ?? "")))
        defer { relay.stop() }
        let link = try bench.link("wire", own, servers: [bench.gatewayKeys], to: "tcp://127.0.0.1:\(relay.port)")
        for packet in packets(count: 30, seed: 12, size: 1...40) { _ = link.enqueue(packet) }
        try bench.wait("a refusal") { _ in (try? bench.denied()) ?? 0 >= 1 }
        try bench.allow("wire", own)
        try waitUntil("delivery") { link.snapshot.counters.acknowledged == 31 }
        for packet in packets(count: 30, seed: 13) { _ = link.enqueue(packet) }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.counters.acknowledged == 62 && end.counters.sessions == 1)
        relay.waitUntilQuiet()
        let (up, down) = relay.counts
        #expect(end.wireSent == up && end.wireReceived == down, "seen \(up) up, \(down) down")
        try bench.wait("the last octet") { $0["wire_octets_received"] as? Int == up }
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try bench.status()["wire_octets_sent"] as? Int == down)
    }

    @Test("a connection of CURVE costs 567 octets up and 301 down, a frame 35, or 42 from 223 octets on")
    func curveFraming() {
        var meter = WireMeter(own: .dealer, peer: .router, curve: .client)
        meter.count(.connected)
        meter.count(.ready)
        #expect(meter.sent == 567 && meter.received == 301)
        meter.count(sent: 100)
        meter.count(sent: 222)
        meter.count(sent: 223)
        #expect(meter.sent == 567 + 135 + 257 + 265)
        meter.count(heartbeats: 1)
        #expect(meter.sent == 567 + 135 + 257 + 265 + 42 && meter.received == 301 + 40)
        var server = WireMeter(own: .router, peer: .dealer, curve: .server)
        server.count(.accepted)
        server.count(.ready)
        #expect(server.sent == 301 && server.received == 567)
    }

    @Test("a frame costs 2 octets up to 255 and 9 beyond, a connection its greeting and READY")
    func framing() {
        var meter = WireMeter(own: .dealer, peer: .router)
        meter.count(sent: 255)
        meter.count(sent: 256)
        #expect(meter.sent == 257 + 265)
        meter.count(.connected)
        meter.count(.ready)
        #expect(meter.sent == 257 + 265 + 64 + 43)
        #expect(meter.received == 64 + 43)
        meter.count(heartbeats: 2)
        #expect(meter.received == 64 + 43 + 2 * 7)
    }
}
