import Glibc

/// What tells this computer from another one, so that a copied disk is noticed.
enum MachineIdentity {
    /// systemd's id of the machine (machine-id(5)), else the name of the host.
    static func read() -> String {
        var octets = [UInt8](repeating: 0, count: 64)
        let file = open("/etc/machine-id", O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            let count = Glibc.read(file, &octets, octets.count)
            close(file)
            let text = String(decoding: octets.prefix(max(count, 0)).prefix { $0 > 32 }, as: UTF8.self)
            if !text.isEmpty { return text }
        }
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, 64) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
