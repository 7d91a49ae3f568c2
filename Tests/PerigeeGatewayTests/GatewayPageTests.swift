import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("what a gateway serves over HTTP", .timeLimit(.minutes(10)))
struct GatewayPageTests {
    private func json(_ url: String) throws -> JSONValue {
        try JSONValue(parsing: Array(Scrape.text(url, accept: "*/*").utf8)[...], depthLimit: 16)
    }

    /// A gateway with a page, and a station that said HELLO and PING.
    private func serve() throws -> (bench: KeyBench, gateway: GatewayProcess, page: String) {
        let bench = try KeyBench()
        let folder = bench.folder.path
        try """
        [http]
        listen = "127.0.0.1:0"
        """.write(toFile: folder + "/page.toml", atomically: true, encoding: .utf8)
        let gateway = try GatewayProcess(folder: folder, words: ["--config", folder + "/page.toml"])
        let page = try #require(
            gateway.text.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("page=") }
                .map { $0.dropFirst(5).trimmingCharacters(in: ["\""]) })
        return (bench, gateway, page)
    }

    @Test("a station's own account, backlog and last contact are in the table of all stations")
    func stations() throws {
        let (bench, gateway, page) = try serve()
        var station = try bench.dealer(nil, to: gateway.endpoint)
        #expect(try station.send([bench.hello("alpha")], waits: true) == .sent)
        var poller = Poller()
        _ = poller.add(station)
        try poller.wait(timeoutMilliseconds: 60_000)
        let answer = try #require(
            try station.receive(limit: MessageLimit(partCount: 1, size: LinkLimit.message))?.first)
        guard case .welcome(let welcome) = try LinkMessage(parsing: answer[...]) else { return #expect(Bool(false)) }
        var ping = LinkMessage.Ping(
            session: welcome.session, nonce: 1, time: Timestamp(milliseconds: 0), queuedPackets: 7, queuedSize: 900,
            oldestAgeMilliseconds: 1_500, lowest: 1, highest: 0)
        (ping.account.frames, ping.account.rawSize, ping.account.packetSize) = (3, 30_000, 500)
        (ping.account.linkSize, ping.account.medianMilliseconds, ping.account.slowMilliseconds) = (1_000, 250, 4_000)
        #expect(try station.send([LinkMessage.ping(ping).packed()], waits: true) == .sent)
        var found: JSONValue?
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while found?["backlog_packets"]?.int != 7, ContinuousClock.now < deadline {
            guard case .array(let stations)? = try json(page + "status.json")["stations"] else { continue }
            found = stations.first { $0["name"] == .string("alpha") }
            usleep(10_000)
        }
        let alpha = try #require(found)
        #expect(alpha["connected"] == .bool(true) && alpha["backlog_oldest_seconds"]?.double == 1.5)
        #expect(alpha["saving"]?["raw_over_link"]?.double == 30 && alpha["saving"]?["raw_over_packets"]?.double == 60)
        #expect(alpha["frame_to_ack_seconds"]?["p50"]?.double == 0.25 && alpha["alerts"] == .array([]))
        let status = try json(page + "status.json")
        #expect(status["v"]?.int == 2 && status["saving"]?["frames"]?.int == 3)
        #expect(try Scrape.text(page, accept: "text/html").contains("<html"))
        #expect(try json(page + "readyz")["ready"] == .bool(true) && Scrape.status(page + "nothing") == 404)
        guard case .array(let events)? = try json(page + "events.json")["events"] else { return #expect(Bool(false)) }
        #expect(events.contains { $0["kind"] == .string("station") && $0["station"] == .string("alpha") })
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("promtool finds no fault with its metrics", .enabled(if: Scrape.hasReaders))
    func metrics() throws {
        let (_, gateway, page) = try serve()
        let text = try Scrape.text(page + "metrics", accept: "text/plain")
        #expect(text.contains("perigee_gateway_packets_total{outcome=\"conflict\"} 0"))
        let lint = try Scrape.run("promtool", ["check", "metrics"], input: text)
        #expect(lint.code == 0 && lint.output.isEmpty, "\(lint.output)")
        #expect(gateway.end(SIGTERM) == 0)
    }
}
