import Foundation
import PerigeeCore
import PerigeeLink
import PerigeeTransport
import Testing

/// A gateway with keys: its folder, its configuration, its list.
struct KeyBench {
    let folder: Folder
    let context: ZeroMQContext
    let gatewayKeys: KeyPair

    /// Writes the configuration and the gateway's secret; nobody is on the list.
    init() throws {
        folder = try Folder()
        context = try ZeroMQContext()
        gatewayKeys = try KeyPair.generate()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/stations", withIntermediateDirectories: true)
        try KeyFile.writeSecret(gatewayKeys, to: folder.path + "/gateway.secret")
        try """
        [keys]
        secret = "gateway.secret"
        stations = "stations"
        [http]
        listen = ""
        """.write(toFile: folder.path + "/gateway.toml", atomically: true, encoding: .utf8)
    }

    func start(endpoint: String = "tcp://127.0.0.1:*") throws -> GatewayProcess {
        try GatewayProcess(
            folder: folder.path, endpoint: endpoint, words: ["--config", folder.path + "/gateway.toml"])
    }

    /// Puts a station's keys on the list.
    func allow(_ station: String, _ pairs: KeyPair...) throws {
        try KeyFile.writePublic(pairs.map(\.publicKey), to: folder.path + "/stations/\(station).pub")
    }

    func deny(_ station: String) throws { try KeyFile.remove(folder.path + "/stations/\(station).pub") }

    func link(_ station: String, _ own: KeyPair, servers: [KeyPair], to endpoint: String) throws -> TestLink {
        try client(
            station, to: endpoint, context: context,
            keys: ClientKeys(own: own, servers: servers.map(\.publicKey)))
    }

    /// A bare socket that may say anything.
    func dealer(_ own: KeyPair?, server: KeyPair? = nil, to endpoint: String) throws -> Socket {
        var options = SocketOptions()
        options.curve = own.map { .client(own: $0, server: (server ?? gatewayKeys).publicKey) }
        options.reconnectIntervalMilliseconds = 50
        var socket = try Socket(.dealer, context: context, options: options)
        try socket.connect(endpoint)
        return socket
    }

    func hello(_ station: String) throws -> [UInt8] {
        LinkMessage.hello(
            .init(station: try StationName(station), epoch: .random(), boot: 1, greeting: 1, lowest: 1, highest: 0)
        ).packed()
    }

    func status() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/status.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// Waits until the status file says so.
    func wait(_ what: String, _ isWanted: ([String: Any]) -> Bool) throws {
        try waitUntil(what) { (try? status()).map(isWanted) == true }
    }
}

/// A stranger's TCP connection, which stays open until it is let go.
final class Stranger {
    private let descriptor: Int32

    init(port: UInt16, says octets: [UInt8] = []) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = descriptor
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(result == 0)
        _ = send(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL))
    }

    deinit { close(descriptor) }
}

/// Waits for something that another thread or process does, a minute at most.
func waitUntil(_ what: String, _ isTrue: () throws -> Bool) throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(60))
    while try !isTrue() {
        try #require(ContinuousClock.now < deadline, "waited in vain for \(what)")
        usleep(10_000)
    }
}
