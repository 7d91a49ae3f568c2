import Foundation
import Synchronization

/// A TCP relay on loopback that counts octets both ways and can cut its connections: an outside witness of the wire.
public final class CountingRelay: Sendable {
    private struct State {
        var up = 0
        var down = 0
        var pairs: [(client: Int32, server: Int32)] = []
        var finished = 0
        var accepted = 0
    }

    /// Where it listens.
    public let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())

    /// Listens on a port of its own, and connects to that of the target for each connection.
    public init(to target: UInt16) throws {
        self.target = target
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var length = size
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in acceptAll() }.start()
    }

    /// Octets from clients to the target and back.
    public var counts: (up: Int, down: Int) { state.withLock { ($0.up, $0.down) } }

    /// Ends the connections there are; new ones are taken.
    public func cut() {
        state.withLock { state in
            for pair in state.pairs {
                shutdown(pair.client, Int32(SHUT_RDWR))
                shutdown(pair.server, Int32(SHUT_RDWR))
            }
        }
    }

    /// Waits until every connection has ended, both ways.
    public func waitUntilQuiet() { while state.withLock({ $0.finished < 2 * $0.accepted }) { usleep(1_000) } }

    /// Takes no more connections.
    public func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.loopback(target)
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else {
                close(client)
                close(server)
                continue
            }
            state.withLock {
                $0.pairs.append((client, server))
                $0.accepted += 1
            }
            Thread { [self] in copy(client, server) { $0.up += $1 } }.start()
            Thread { [self] in copy(server, client) { $0.down += $1 } }.start()
        }
    }

    private func copy(_ source: Int32, _ sink: Int32, _ count: @Sendable (inout State, Int) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = recv(source, &buffer, buffer.count, 0)
            guard got > 0 else { break }
            state.withLock { count(&$0, got) }
            var done = 0
            while done < got {
                let sent = buffer.withUnsafeBytes { bytes in
                    send(sink, bytes.baseAddress.map { $0 + done }, got - done, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { break }
                done += sent
            }
        }
        shutdown(sink, Int32(SHUT_WR))
        state.withLock { $0.finished += 1 }
    }
}
