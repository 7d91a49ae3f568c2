import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeGateway
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("Gateway", .timeLimit(.minutes(10)), .serialized)
struct GatewayTests {
    let folder: Folder
    let context: ZeroMQContext

    init() throws {
        folder = try Folder()
        context = try ZeroMQContext()
    }

    private func payloads(_ packets: [[UInt8]]) throws -> [UInt64: [UInt8]] {
        var payloads: [UInt64: [UInt8]] = [:]
        for octets in packets {
            guard case .part(let part) = try Packet(parsing: octets[...]).body else { continue }
            payloads[part.frameDelta] = Array(part.content.dropFirst())  // metadata of nothing known is one octet
        }
        return payloads
    }

    private func status() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/status.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test("packets are archived, acknowledged, and counted in the status file")
    func delivers() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let all = packets(count: 200, seed: 1)
        let link = try client("lab-1", to: gateway.endpoint, context: context)
        for (index, packet) in all.enumerated() { #expect(link.enqueue(packet) == .accepted(UInt64(index + 1))) }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained)
        #expect(end.counters.acknowledged == all.count)
        #expect(end.counters.resent == 0)
        #expect(link.heldPackets == 0)
        // The client's last word, its BYE, is on the way when `drain` returns: a gateway stopped before it came never counts it.
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while try self.status()["wire_octets_received"] as? Int != end.wireSent, ContinuousClock.now < deadline {
            usleep(10_000)
        }
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try archived(folder, station: "lab-1") == payloads(all))
        let status = try status()
        #expect(status["stored"] as? Int == all.count)
        #expect(status["octets"] as? Int == all.reduce(0) { $0 + $1.count })
        #expect(status["state"] as? String == "stopping")
        #expect(status["rejected"] as? Int == 0)
        #expect(status["wire_octets_received"] as? Int == end.wireSent)
    }

    @Test(
        "a gateway killed in the middle and started again gets everything exactly once",
        arguments: 1...(SlowTests.areExpected ? 20 : 3))
    func killed(_ seed: UInt64) throws {
        var gateway = try GatewayProcess(folder: folder.path)
        let endpoint = gateway.endpoint
        let all = packets(count: 1_500, seed: seed)
        let link = try client("lab-2", to: endpoint, context: context)
        for (index, packet) in all.enumerated() {
            #expect(try link.enqueue(packet, timeoutMilliseconds: 60_000) == .accepted(UInt64(index + 1)))
            // a kill each time that some hundred more are durable, so that each falls into a running stream
            if index % 500 == 499 {
                while link.snapshot.counters.acknowledged < index - 400 { usleep(1_000) }
                #expect(gateway.end(SIGKILL) == SIGKILL)
                gateway = try GatewayProcess(folder: folder.path, endpoint: endpoint)
            }
        }
        let end = try link.drain(timeoutMilliseconds: 90_000)
        #expect(end.stopReason == .drained)
        #expect(end.counters.acknowledged == all.count)
        #expect(end.counters.sessions >= 2)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try archived(folder, station: "lab-2") == payloads(all))
        let before = try ArchiveReader.open(folder.path + "/archive").frames()
        #expect(try Archive.reindex(folder.path + "/archive").indexed == all.count)
        #expect(try ArchiveReader.open(folder.path + "/archive").frames() == before)
    }

    @Test("garbage on the port, and strange messages, disturb nobody")
    func garbage() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let all = packets(count: 100, seed: 5)
        let link = try client("lab-3", to: gateway.endpoint, context: context)
        for packet in all[..<50] { _ = link.enqueue(packet) }
        let port = try #require(UInt16(gateway.endpoint.split(separator: ":").last ?? ""))
        for seed in 0..<20 as Range<UInt64> { try sendRaw(packets(count: 1, seed: seed)[1], port: port) }
        var stranger = try Socket(.dealer, context: context)
        try stranger.connect(gateway.endpoint)
        for octets in [[], [0xFF], [UInt8](repeating: 3, count: 2_000)] {
            _ = try stranger.send(octets, waits: true)
        }
        let data = LinkMessage.data(
            .init(session: 1, lowest: 1, items: [.init(number: 1, isResent: false, packet: [1])]))
        _ = try stranger.send(data.packed(), waits: true)
        let answer = try stranger.receive(limit: MessageLimit(partCount: 1, size: 100), waits: true)?.first ?? []
        #expect(try LinkMessage(parsing: answer[...]) == .bye(.init(session: 1, reason: .unknownSession)))
        for packet in all[50...] { _ = link.enqueue(packet) }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained && end.counters.acknowledged == all.count)
        #expect(end.counters.sessions == 1)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try archived(folder, station: "lab-3") == payloads(all))
        let strange = try #require(try status()["strange_messages"] as? Int)
        #expect(strange >= 4)  // and what libzmq takes for messages of ZMTP 1
    }

    @Test("a damaged packet is rejected and set aside, and the rest is delivered")
    func rejects() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        var all = packets(count: 60, seed: 6)
        all[30][10] ^= 1
        let link = try client("lab-4", to: gateway.endpoint, context: context)
        for packet in all { _ = link.enqueue(packet) }
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.stopReason == .drained)
        #expect(end.counters.rejected == 1)
        #expect(end.counters.acknowledged == all.count - 1)
        #expect(gateway.end(SIGTERM) == 0)
        all.remove(at: 30)
        #expect(try archived(folder, station: "lab-4") == payloads(all))
        #expect(try status()["rejected"] as? Int == 1)
        #expect(try status()["gaps"] as? Int == 0)
    }

    @Test("a full queue refuses, waits, and goes on when the gateway acknowledges")
    func backPressure() throws {
        let all = packets(count: 300, seed: 7)
        let gateway = try GatewayProcess(folder: folder.path)
        let link = try client("lab-5", to: gateway.endpoint, context: context, queueSizeLimit: 20_000)
        #expect(link.enqueue([UInt8](repeating: 0, count: 8_193)) == .tooLarge)
        var refusals = 0
        for packet in all {
            if link.enqueue(packet) == .full {
                refusals += 1
                let answer = try link.enqueue(packet, timeoutMilliseconds: 60_000)
                #expect(answer != .full)
            }
        }
        #expect(refusals > 0)
        let end = try link.drain(timeoutMilliseconds: 60_000)
        #expect(end.counters.acknowledged == all.count)
        #expect(link.enqueue(all[0]) == .closed)
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("two stations at once, one of them new each time, get their own sessions")
    func stations() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let links = try ["a", "b"].map { try client($0, to: gateway.endpoint, context: context) }
        let all = [packets(count: 80, seed: 8), packets(count: 80, seed: 9)]
        for index in 0..<all[0].count { for (link, list) in zip(links, all) { _ = link.enqueue(list[index]) } }
        for link in links { #expect(try link.drain(timeoutMilliseconds: 60_000).stopReason == .drained) }
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try archived(folder, station: "a") == payloads(all[0]))
        #expect(try archived(folder, station: "b") == payloads(all[1]))
    }

    @Test("an archive that is held and an endpoint that is taken end with their exit codes and a remedy")
    func exitCodes() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let held = #expect(throws: GatewayProcess.Failure.self) { _ = try GatewayProcess(folder: folder.path) }
        #expect(held?.code == 74)
        #expect(held?.text.contains("held by another process: stop it") == true)
        let other = try Folder()
        let taken = #expect(throws: GatewayProcess.Failure.self) {
            _ = try GatewayProcess(folder: other.path, endpoint: gateway.endpoint)
        }
        #expect(taken?.code == 69)
        #expect(gateway.end(SIGTERM) == 0)
    }

    /// Octets that are no ZMTP, over a plain connection.
    private func sendRaw(_ octets: [UInt8], port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(result == 0)
        _ = send(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL))
    }
}
