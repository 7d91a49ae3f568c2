import Foundation
import PerigeeTestSupport
import Testing

/// Answers the first connection with fixed octets, whatever it asks, and hangs up.
final class RawServer {
    let url: String
    private let descriptor: Int32
    private var thread: Thread?
    private var isClosed = false

    init(answer: [UInt8]) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, 4) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        try #require(isBound)
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        thread = Thread {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return }
            var request = [UInt8](repeating: 0, count: 4_096)
            _ = recv(connection, &request, request.count, 0)
            _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
            shutdown(connection, Int32(SHUT_WR))
            // until the client has read all: a reset would throw the rest away
            _ = recv(connection, &request, request.count, 0)
            Glibc.close(connection)
        }
        thread?.start()
    }

    deinit { close() }

    /// Nobody listens there any more.
    func close() {
        // once: by the second time the number may be somebody else's
        guard !isClosed else { return }
        isClosed = true
        shutdown(descriptor, Int32(SHUT_RDWR))
        Glibc.close(descriptor)
    }
}
