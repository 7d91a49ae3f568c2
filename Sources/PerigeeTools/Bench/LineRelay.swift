import Glibc
import PerigeeConcurrency

/// A TCP relay on loopback that carries so many octets a second each way, later by a delay: the line of `perigee bench link`. One
/// connection at a time.
final class LineRelay: Sendable {
    /// Octets that came from one side, and when they may go to the other.
    private struct Way: Sendable {
        var pieces: [(due: UInt64, octets: [UInt8])] = []
        var size = 0
        var isEnded = false
    }

    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let rate: Int
    private let delayMilliseconds: Int
    /// Octets that went up and down.
    private let counts = Locked((up: 0, down: 0))

    /// Between clients of `port` and the port `target`, both on loopback; nil where the system gives no socket.
    init?(to target: UInt16, rate: Int, delayMilliseconds: Int) {
        self.target = target
        self.rate = rate
        self.delayMilliseconds = delayMilliseconds
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { return nil }
        port = UInt16(bigEndian: address.sin_port)
        _ = NamedThread("relay") { [self] in accept() }
    }

    /// Octets that went up and down so far.
    var carried: (up: Int, down: Int) { counts.current }

    /// Takes no more connections.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { break }
            serve(client)
        }
        close(listener)
    }

    private func serve(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(target)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isConnected {
            let threads = pump(from: client, to: server, isUp: true) + pump(from: server, to: client, isUp: false)
            for thread in threads { thread.join() }
        }
        close(client)
        close(server)
    }

    /// Two threads: one reads and stamps, one waits for the time and for the rate, and writes.
    private func pump(from source: Int32, to sink: Int32, isUp: Bool) -> [NamedThread] {
        let way = Locked(Way())
        // what the line and its ends hold: small, so that a sender feels the line
        let limit = rate * delayMilliseconds / 1_000 + max(rate / 10, 2_048)
        let reader = NamedThread("relay-read") { [delayMilliseconds] in
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while true {
                while way.withLock({ $0.size >= limit && !$0.isEnded }) { usleep(1_000) }
                let count = recv(source, &buffer, min(buffer.count, limit), 0)
                let due = monotonicNanoseconds() + UInt64(delayMilliseconds) * 1_000_000
                let octets = Array(buffer.prefix(max(count, 0)))
                let isEnded = way.withLock { way in
                    way.pieces.append((due, octets))
                    way.size += octets.count
                    return way.isEnded || octets.isEmpty
                }
                if isEnded { break }
            }
        }
        let writer = NamedThread("relay-write") { [self] in
            var free = monotonicNanoseconds()
            while let octets = next(way, &free) {
                guard Self.write(octets, to: sink) else { break }
                counts.withLock { if isUp { $0.up += octets.count } else { $0.down += octets.count } }
            }
            way.withLock { $0.isEnded = true }
            shutdown(source, Int32(SHUT_RDWR))
            shutdown(sink, Int32(SHUT_RDWR))
        }
        return [reader, writer]
    }

    /// The next octets when it is their time and the line has carried them; nil at the end.
    private func next(_ way: Locked<Way>, _ free: inout UInt64) -> [UInt8]? {
        while true {
            let first = way.withLock { $0.pieces.first }
            guard let first else {
                usleep(500)
                continue
            }
            guard !first.octets.isEmpty else { return nil }
            let now = monotonicNanoseconds()
            // the line is as long busy as the octets take
            free =
                max(free, now > 50_000_000 ? now - 50_000_000 : 0) + UInt64(first.octets.count) * 1_000_000_000
                / UInt64(rate)
            let time = max(free, first.due)
            if time > now { usleep(UInt32(min((time - now) / 1_000, 60_000_000))) }
            return way.withLock { way in
                way.size -= first.octets.count
                return way.pieces.removeFirst().octets
            }
        }
    }

    private static func write(_ octets: [UInt8], to sink: Int32) -> Bool {
        var sent = 0
        while sent < octets.count {
            let count = octets.withUnsafeBytes {
                send(sink, $0.baseAddress.map { $0 + sent }, octets.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
