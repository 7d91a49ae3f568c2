internal import Glibc

/// Where a server listens: a numeric address and a port, such as `127.0.0.1:9477` or `[::1]:9477`.
public struct HTTPAddress: Equatable, Sendable {
    /// Without brackets.
    public let host: String
    /// 0 lets the system choose.
    public let port: UInt16
    let isIPv6: Bool

    /// Reads one; nil where it is none.
    public init?(_ text: String) {
        guard let (host, port) = HostName.split(text), let port = port.flatMap({ UInt16($0) }) else { return nil }
        self.init(host: host, port: port)
    }

    /// A numeric address without brackets, or `localhost`; nil for other names: who they are may change.
    public init?(host: String, port: UInt16) {
        self.host = host == "localhost" ? "127.0.0.1" : host
        self.port = port
        isIPv6 = HostName.isIPv6(host)
        guard isIPv6 || HostName.isIPv4(self.host) else { return nil }
    }

    /// Nobody beyond this machine reaches it.
    public var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

    /// All interfaces of the machine.
    var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    /// As a URL has it.
    public func text(port: UInt16) -> String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A socket that listens there.
    func listen() throws(HTTPError) -> Int32 {
        let handle = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { throw failure() }
        var yes: Int32 = 1
        setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(handle) == 0, Glibc.listen(handle, 16) == 0 else {
            let error = failure()
            close(handle)
            throw error
        }
        return handle
    }

    private func failure() -> HTTPError {
        .listen(address: text(port: port), reason: String(cString: strerror(errno)), isTaken: errno == EADDRINUSE)
    }

    private func bind(_ handle: Int32) -> Int32 {
        func bind(_ address: UnsafeRawPointer, _ size: Int) -> Int32 {
            Glibc.bind(handle, address.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        }
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return bind(&address, MemoryLayout<sockaddr_in6>.size)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return bind(&address, MemoryLayout<sockaddr_in>.size)
    }

    /// The port that a listening socket really has.
    static func port(of handle: Int32) -> UInt16 {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            guard getsockname(handle, raw.assumingMemoryBound(to: sockaddr.self), &size) == 0 else { return 0 }
            // both families have the port at the same place
            return UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }
}

/// Names and addresses as `Host` and `Origin` carry them.
enum HostName {
    /// Host without brackets, and the port's text; nil where the text is neither.
    static func split(_ text: String) -> (host: String, port: String?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard isIPv6(host) else { return nil }
            if rest.isEmpty { return (host, nil) }
            return rest.hasPrefix(":") ? (host, String(rest.dropFirst())) : nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty else { return nil }
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
    }

    static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }
}
