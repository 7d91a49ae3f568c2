import Foundation
import PerigeeConcurrency
import PerigeeService
import PerigeeTestSupport
import Testing

/// The service manager's end: a datagram socket at a path, or in the abstract namespace.
final class Manager {
    let name: String
    private let folder: TemporaryFolder
    private let descriptor: Int32

    init(isAbstract: Bool = false) throws {
        folder = try TemporaryFolder()
        let path = folder.file("notify")
        name = isAbstract ? "@" + path : path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let octets = isAbstract ? [0] + Array(path.utf8) : Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + octets.count)
        let descriptor = descriptor
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(code == 0)
    }

    deinit { close(descriptor) }

    /// The next datagram; nil where none waits.
    func next() -> String? {
        var octets = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &octets, octets.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: octets[..<count], as: UTF8.self)
    }
}

@Test("the manager hears the words of sd_notify", arguments: [false, true])
func words(isAbstract: Bool) throws {
    let manager = try Manager(isAbstract: isAbstract)
    let notifier = ServiceNotifier(path: manager.name)
    notifier.extendTimeout(seconds: 30, status: "recovering")
    notifier.ready(status: "works")
    notifier.ready()
    notifier.watchdog()
    notifier.status("saves")
    notifier.stopping(status: "draining")
    let heard = (0..<6).map { _ in manager.next() }
    #expect(
        heard == [
            "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=recovering", "READY=1\nSTATUS=works", "READY=1", "WATCHDOG=1",
            "STATUS=saves", "STOPPING=1\nSTATUS=draining",
        ])
    #expect(manager.next() == nil)
}

@Test("reloading says when it began, on the manager's clock")
func reloading() throws {
    let manager = try Manager()
    ServiceNotifier(path: manager.name).reloading()
    let lines = try #require(manager.next()).split(separator: "\n")
    #expect(lines.first == "RELOADING=1")
    let stamp = try #require(lines.last?.split(separator: "=").last.flatMap { UInt64($0) })
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    #expect(lines.last?.hasPrefix("MONOTONIC_USEC=") == true)
    #expect(stamp > 0 && stamp <= UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000)
}

@Test("a status cannot say anything else to the manager")
func injection() throws {
    let manager = try Manager()
    ServiceNotifier(path: manager.name).status("station x\nMAINPID=1\u{1B}[2J")
    #expect(manager.next() == #"STATUS=station x\u{a}MAINPID=1\u{1b}[2J"#)
}

@Test(
    "without a manager, or with one that does not read, nothing is sent and nobody waits",
    arguments: [nil, "", "relative", "/nowhere/notify", "/" + String(repeating: "x", count: 200)])
func nobody(path: String?) { ServiceNotifier(path: path).ready(status: "works") }

@Test("a word that changes what the manager believes waits for room in its queue", .timeLimit(.minutes(10)))
func readyIsNotLost() async throws {
    let manager = try Manager()
    let notifier = ServiceNotifier(path: manager.name)
    for _ in 0..<10_000 { notifier.watchdog() }
    let thread = NamedThread("ready") { notifier.ready() }
    var words = Set<String>()
    try await wait {
        while let word = manager.next() { words.insert(word) }
        return words.contains("READY=1")
    }
    thread.join()
    #expect(words == ["WATCHDOG=1", "READY=1"])
}

@Test("a manager that reads nothing holds nobody up")
func deafManager() throws {
    let manager = try Manager()
    let notifier = ServiceNotifier(path: manager.name)
    for _ in 0..<10_000 { notifier.watchdog() }
    #expect(manager.next() == "WATCHDOG=1")
}
