import Glibc
import PerigeeConcurrency

/// Tells the service manager how it goes (sd_notify(3)): one datagram to the socket that it names. Without a manager it does
/// nothing. Where the manager's queue is full (ten datagrams, by default) what comes again each second is left out; a word
/// that changes what the manager believes waits for room, two seconds at most.
public struct ServiceNotifier: Sendable {
    private static let patienceSeconds = 2
    private let path: [UInt8]

    /// `path`: the value of `NOTIFY_SOCKET`; a leading `@` means the abstract namespace.
    public init(path: String?) { self.path = Array((path ?? "").utf8) }

    /// Out of the environment.
    public static func fromEnvironment() -> ServiceNotifier {
        ServiceNotifier(path: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// The service works.
    public func ready(status: String? = nil) { send("READY=1", status, waits: true) }

    /// The configuration is being read anew; `ready` must follow, whatever came of it.
    public func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(monotonicNanoseconds() / 1_000)", nil, waits: true) }

    /// One line for `systemctl status`.
    public func status(_ text: String) { send(nil, text) }

    /// Every loop made progress.
    public func watchdog() { send("WATCHDOG=1", nil) }

    /// Starting goes on and takes so much longer, from now.
    public func extendTimeout(seconds: Int, status: String) {
        send("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)", status)
    }

    /// The service ends.
    public func stopping(status: String? = nil) { send("STOPPING=1", status, waits: true) }

    private func send(_ assignment: String?, _ status: String?, waits: Bool = false) {
        // a line break in a status would begin another assignment
        let lines = [assignment, status.map { "STATUS=\(LogText.escaped($0))" }].compactMap { $0 }
        send(lines.joined(separator: "\n"), waits: waits)
    }

    private func send(_ text: String, waits: Bool) {
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
        var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        setsockopt(handle, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
        let size = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let octets = Array(text.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(handle, octets, octets.count, flags, address, size)
            }
        }
    }
}
