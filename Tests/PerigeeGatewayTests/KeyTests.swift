import Foundation
import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeTransport
import Testing

@Suite("Keys at the gateway", .timeLimit(.minutes(10)), .serialized)
struct KeyTests {
    let bench: KeyBench
    let good: KeyPair
    let other: KeyPair

    init() throws {
        bench = try KeyBench()
        good = try KeyPair.generate()
        other = try KeyPair.generate()
    }

    private func deliver(_ link: TestLink, count: Int, seed: UInt64) throws {
        let before = link.snapshot.counters.acknowledged
        let all = packets(count: count, seed: seed)
        for packet in all { _ = try link.enqueue(packet, timeoutMilliseconds: 60_000) }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained && end.counters.acknowledged == before + all.count)
    }

    @Test("hundreds of strangers are refused and counted while a station goes on undisturbed")
    func strangers() throws {
        try bench.allow("lab-1", good)
        try bench.allow("lab-2", other)
        let gateway = try bench.start()
        let port = try #require(UInt16(gateway.endpoint.split(separator: ":").last ?? ""))
        let link = try bench.link("lab-1", good, servers: [bench.gatewayKeys], to: gateway.endpoint)
        let all = packets(count: 300, seed: 21)
        for packet in all[..<100] { _ = try link.enqueue(packet, timeoutMilliseconds: 60_000) }
        var connections: [Stranger] = []
        let http = Array("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n".utf8)
        for _ in 0..<300 { connections.append(try Stranger(port: port)) }  // half open: says nothing
        for index in 0..<25 {
            connections.append(try Stranger(port: port, says: http))
            connections.append(try Stranger(port: port, says: packets(count: 1, seed: UInt64(index))[1]))
        }
        let unlisted = try KeyPair.generate()
        let wrongServer = try KeyPair.generate()
        let hello = try bench.hello("lab-1")
        for index in 0..<25 {
            var dealer =
                switch index % 3 {
                case 0: try bench.dealer(nil, to: gateway.endpoint)
                case 1: try bench.dealer(unlisted, to: gateway.endpoint)
                default: try bench.dealer(good, server: wrongServer, to: gateway.endpoint)
                }
            _ = try dealer.send(hello)
            guard index % 3 == 1 else { continue }
            try bench.wait("a refusal") { _ in (try? bench.denied()) ?? 0 > index / 3 }
        }
        for packet in all[100...] { _ = try link.enqueue(packet, timeoutMilliseconds: 60_000) }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained && end.counters.acknowledged == all.count)
        #expect(end.counters.sessions == 1 && end.counters.resent == 0)
        // those without keys and those with another gateway's; what begins like a greeting just waits for its end
        try bench.wait("failed greetings") { ($0["failed_greetings"] as? Int ?? 0) >= 16 }
        #expect(try bench.denied() >= 8)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try archived(bench.folder, station: "lab-1").count == 300)
        #expect(try bench.status()["sessions_opened"] as? Int == 1)
        withExtendedLifetime(connections) {}
    }

    @Test("a station with a good key cannot speak for another one")
    func impostor() throws {
        try bench.allow("lab-1", good)
        try bench.allow("lab-2", other)
        let gateway = try bench.start()
        var impostor = try bench.dealer(other, to: gateway.endpoint)
        _ = try impostor.send(bench.hello("lab-1"), waits: true)
        let answer = try impostor.receive(limit: MessageLimit(partCount: 1, size: 100), waits: true)?.first ?? []
        #expect(try LinkMessage(parsing: answer[...]) == .bye(.init(session: 0, reason: .denied)))
        _ = try impostor.send(bench.hello("lab-2"), waits: true)
        let welcome = try impostor.receive(limit: MessageLimit(partCount: 1, size: 200), waits: true)?.first ?? []
        guard case .welcome = try LinkMessage(parsing: welcome[...]) else {
            Issue.record("no WELCOME: \(welcome)")
            return
        }
        try bench.wait("a denied message") { $0["denied_messages"] as? Int == 1 }
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("a station that is allowed later comes in by itself; one that is denied loses its session")
    func allowThenDeny() throws {
        let gateway = try bench.start()
        let link = try bench.link("lab-1", good, servers: [bench.gatewayKeys], to: gateway.endpoint)
        let all = packets(count: 50, seed: 22)
        for packet in all { _ = link.enqueue(packet) }
        try bench.wait("two refusals") { _ in (try? bench.denied()) ?? 0 >= 2 }
        #expect(link.snapshot.counters.acknowledged == 0)
        #expect(link.snapshot.lastError?.contains("does not know our key \(good.publicKey.text)") == true)
        try bench.allow("lab-1", good)
        try waitUntil("delivery") { link.snapshot.counters.acknowledged == all.count }
        #expect(link.snapshot.state == .live && link.snapshot.lastError == nil)
        try bench.wait("a session") { ($0["sessions"] as? [Any])?.count == 1 }
        try bench.deny("lab-1")
        try bench.wait("the end of the session") { ($0["sessions"] as? [Any])?.isEmpty == true }
        for packet in packets(count: 20, seed: 23) { _ = link.enqueue(packet) }
        let before = try bench.denied()
        try bench.wait("another refusal") { _ in (try? bench.denied()) ?? 0 > before }
        #expect(link.heldPackets == 21)
        try bench.allow("lab-1", good)
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained && end.counters.acknowledged == all.count + 21)
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("both ends change their keys with overlap, and nothing is lost")
    func rotation() throws {
        let newGateway = try KeyPair.generate()
        let newStation = try KeyPair.generate()
        try bench.allow("lab-1", good, newStation)
        var gateway = try bench.start()
        let endpoint = gateway.endpoint
        let servers = [bench.gatewayKeys, newGateway]
        let old = try bench.link("lab-1", good, servers: servers, to: endpoint)
        let all = packets(count: 40, seed: 24)
        for packet in all { _ = old.enqueue(packet) }
        try waitUntil("delivery") { old.snapshot.counters.acknowledged == all.count }
        #expect(gateway.end(SIGTERM) == 0)
        try KeyFile.writeSecret(newGateway, to: bench.folder.path + "/gateway.secret")
        gateway = try bench.start(endpoint: endpoint)
        try deliver(old, count: 10, seed: 25)  // it finds the second key by itself
        try deliver(try bench.link("lab-1", newStation, servers: servers, to: endpoint), count: 10, seed: 26)
        try bench.allow("lab-1", newStation)
        try deliver(try bench.link("lab-1", newStation, servers: [newGateway], to: endpoint), count: 10, seed: 27)
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("a secret that others may read, and a routable endpoint without keys, are refused with code 78")
    func refused() throws {
        let path = bench.folder.path + "/gateway.secret"
        chmod(path, 0o644)
        let open = #expect(throws: GatewayProcess.Failure.self) { try bench.start() }
        #expect(open?.code == 78 && open?.text.contains("mode 0644") == true)
        #expect(open?.text.contains("chmod 600") == true)
        try KeyFile.remove(path)
        let bare = #expect(throws: GatewayProcess.Failure.self) { try bench.start(endpoint: "tcp://*:*") }
        #expect(bare?.code == 78 && bare?.text.contains("perigee keys gen") == true)
        #expect(bare?.text.contains("insecure = true") == true)
        // on loopback it serves, and says that it does so in the clear
        let plain = try bench.start()
        #expect(try bench.deliverBare(to: plain.endpoint) == 5)
        #expect(plain.end(SIGTERM) == 0)
    }

    @Test("a gateway whose thread of keys is lost ends, and names it")
    func lost() async throws {
        try bench.allow("lab-1", good)
        var configuration = GatewayConfiguration(
            endpoint: "tcp://127.0.0.1:*", archiveDirectory: bench.folder.path + "/archive")
        configuration.keys = GatewayKeys(own: bench.gatewayKeys, stationsDirectory: bench.folder.path + "/stations")
        let gateway = try Gateway(configuration, context: bench.context)
        let run = Task.detached { () throws -> Void in try gateway.run() }
        let link = try bench.link("lab-1", good, servers: [bench.gatewayKeys], to: gateway.endpoint)
        for packet in packets(count: 5, seed: 28) { _ = link.enqueue(packet) }
        try waitUntil("delivery") { link.snapshot.counters.acknowledged == 6 }
        gateway.loseAdmission()
        let error = await #expect(throws: GatewayError.self) { try await run.value }
        guard case .admission? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        _ = try link.drain(timeoutMilliseconds: 0)
    }
}

extension KeyBench {
    /// Connections that the list refused, as the status says.
    func denied() throws -> Int { ((try? status())?["keys"] as? [String: Any])?["connections_denied"] as? Int ?? 0 }

    /// Packets that a station without keys delivers.
    func deliverBare(to endpoint: String) throws -> Int {
        let link = try client("lab-9", to: endpoint, context: context)
        for packet in packets(count: 4, seed: 29) { _ = link.enqueue(packet) }
        return try link.drain(timeoutMilliseconds: 60_000).counters.acknowledged
    }
}
