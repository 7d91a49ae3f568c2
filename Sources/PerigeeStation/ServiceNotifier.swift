import Glibc

/// Tells the service manager how it goes (sd_notify's protocol): one datagram to the socket that it names. Without a manager
/// it does nothing.
public struct ServiceNotifier: Sendable {
    private let path: [UInt8]

    /// `path`: the value of `NOTIFY_SOCKET`; a leading `@` means the abstract namespace.
    public init(path: String?) { self.path = Array((path ?? "").utf8) }

    /// Out of the environment.
    public static func fromEnvironment() -> ServiceNotifier {
        ServiceNotifier(path: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// The service works.
    public func ready(status: String) { send("READY=1\nSTATUS=\(status)") }

    /// One line for `systemctl status`.
    public func status(_ text: String) { send("STATUS=\(text)") }

    /// The service ends.
    public func stopping(status: String) { send("STOPPING=1\nSTATUS=\(status)") }

    private func send(_ text: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard let first = path.first, first == 0x2F || first == 0x40, path.count < capacity else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: path)
            if first == 0x40 { target[0] = 0 }
        }
        let handle = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { return }
        defer { close(handle) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let octets = Array(text.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(handle, octets, octets.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), address, size)
            }
        }
    }
}
