import Glibc
import PerigeeConcurrency

/// Tells the service manager how it goes (sd_notify(3)): one datagram to the socket that it names. Without a manager it does
/// nothing; it never waits for one.
public struct ServiceNotifier: Sendable {
    private let path: [UInt8]

    /// `path`: the value of `NOTIFY_SOCKET`; a leading `@` means the abstract namespace.
    public init(path: String?) { self.path = Array((path ?? "").utf8) }

    /// Out of the environment.
    public static func fromEnvironment() -> ServiceNotifier {
        ServiceNotifier(path: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// The service works.
    public func ready(status: String? = nil) { send("READY=1", status) }

    /// The configuration is being read anew; `ready` must follow, whatever came of it.
    public func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(monotonicNanoseconds() / 1_000)", nil) }

    /// One line for `systemctl status`.
    public func status(_ text: String) { send(nil, text) }

    /// Every loop made progress.
    public func watchdog() { send("WATCHDOG=1", nil) }

    /// Starting goes on and takes so much longer, from now.
    public func extendTimeout(seconds: Int, status: String) {
        send("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)", status)
    }

    /// The service ends.
    public func stopping(status: String? = nil) { send("STOPPING=1", status) }

    private func send(_ assignment: String?, _ status: String?) {
        // a line break in a status would begin another assignment
        let lines = [assignment, status.map { "STATUS=\(LogText.escaped($0))" }].compactMap { $0 }
        send(lines.joined(separator: "\n"))
    }

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
