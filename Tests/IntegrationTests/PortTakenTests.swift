import Foundation
import PerigeeTestSupport
import Testing

/// A port of loopback that others cannot listen on while this lives.
final class PortHolder {
    let port: UInt16
    private let handle: Int32

    init() throws {
        handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let handle = handle
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, size) == 0 && listen(handle, 1) == 0 && getsockname(handle, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
    }

    deinit { close(handle) }
}

@Suite("A page that cannot be served")
struct PortTakenTests {
    @Test("ends both daemons at their start, with 69 and the port", .timeLimit(.minutes(10)))
    func taken() throws {
        let holder = try PortHolder()
        let daemons = try Daemons(http: "127.0.0.1:\(holder.port)")
        for (program, file) in [("perigeed", "perigeed.toml"), ("perigee-gateway", "gateway.toml")] {
            let outcome = try Programs.run(
                "\(Programs.folder)/\(program)", ["--config", daemons.folder.file(file)])
            #expect(outcome.code == 69, "\(program): \(outcome.errors)")
            #expect(
                outcome.errors.contains("127.0.0.1:\(holder.port)") && outcome.errors.contains("another process has"))
        }
        withExtendedLifetime(holder) {}
    }

    @Test("names an address that others reach as a mistake where no token is asked for", .timeLimit(.minutes(10)))
    func open() throws {
        let daemons = try Daemons(http: "0.0.0.0:0")
        for (program, file) in [("perigeed", "perigeed.toml"), ("perigee-gateway", "gateway.toml")] {
            let outcome = try Programs.run("\(Programs.folder)/\(program)", ["--config", daemons.folder.file(file)])
            #expect(outcome.code == 78 && outcome.errors.contains("token_file"), "\(program): \(outcome.errors)")
        }
    }
}
