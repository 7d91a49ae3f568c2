internal import Glibc

/// Tells systemd how the service stands: one datagram to `NOTIFY_SOCKET` (sd_notify(3)); nothing where it is not set.
enum ServiceNotice {
    static func send(_ text: String) {
        guard let name = getenv("NOTIFY_SOCKET") else { return }
        var path = Array(String(cString: name).utf8)
        var address = sockaddr_un()
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !path.isEmpty, path.count < room else { return }
        if path[0] == 0x40 { path[0] = 0 }  // @: an abstract socket
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), address, size)
            }
        }
    }
}
