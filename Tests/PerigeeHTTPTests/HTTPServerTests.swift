import Foundation
import PerigeeConcurrency
import PerigeeHTTP
import PerigeeTestSupport
import Testing

/// A client that writes octets as they are: one connection, one request.
private func exchange(_ endpoint: String, _ request: String) throws -> (status: Int, head: String, body: String) {
    let address = try #require(HTTPAddress(endpoint))
    let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(handle) }
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = address.port.bigEndian
    inet_pton(AF_INET, address.host, &target.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafePointer(to: &target) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(handle, $0, size) }
    }
    try #require(result == 0)
    var octets = Array(request.utf8)[...]
    while !octets.isEmpty {
        let count = octets.withUnsafeBytes { send(handle, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { break }  // refused before its end
        octets = octets.dropFirst(count)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
        let count = read(handle, &buffer, buffer.count)
        guard count > 0 else { break }
        answer += buffer[..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    let parts = text.components(separatedBy: "\r\n\r\n")
    let status = Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
    return (status, parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
}

/// For tests that do not look at it.
private var unwatched: LoopProgress { LoopProgress("http", patienceSeconds: 600) }

private func server() throws -> HTTPServer {
    let address = try #require(HTTPAddress("127.0.0.1:0"))
    return try HTTPServer(HTTPServer.Configuration(address: address), progress: unwatched) { request in
        switch request.path {
        case "/status.json": .json("{\"after\":\(request.after ?? -1)}")
        default: .notFound
        }
    }
}

private func get(_ path: String, method: String = "GET", _ lines: String = "Host: localhost\r\n") -> String {
    "\(method) \(path) HTTP/1.1\r\n\(lines)Connection: close\r\n\r\n"
}

@Suite(.timeLimit(.minutes(10)))
struct HTTPServerTests {
    @Test("a request is answered, with headers that keep other sites out")
    func answers() throws {
        let server = try server()
        let answer = try exchange(server.endpoint, get("/status.json?after=17"))
        #expect(answer.status == 200 && answer.body == "{\"after\":17}\n")
        for line in [
            "Content-Type: application/json", "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
            "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'", "Referrer-Policy: no-referrer",
            "Cross-Origin-Resource-Policy: same-origin",
        ] { #expect(answer.head.contains(line), "\(line)") }
        #expect(!answer.head.contains("Access-Control-Allow"))
        withExtendedLifetime(server) {}
    }

    @Test("HEAD has the head of GET and no body")
    func head() throws {
        let server = try server()
        let answer = try exchange(server.endpoint, get("/status.json", method: "HEAD"))
        #expect(answer.status == 200 && answer.head.contains("Content-Length: 13") && answer.body.isEmpty)
        withExtendedLifetime(server) {}
    }

    @Test(
        "what may not be asked is refused, in words that repeat nothing of it",
        arguments: [
            (get("/<script>"), 404), (get("/../../etc/passwd"), 404), (get("/status.json", method: "POST"), 405),
            (get("/status.json", method: "BREW"), 405), (get("/status.json", "Host: <script>.example\r\n"), 403),
            (get("/status.json", "Host: localhost\r\nOrigin: https://evil.example\r\n"), 403),
            (
                "GET /status.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
                400
            ),
            (
                "GET /status.json HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
                400
            ),
            ("GET /status.json HTTP/1.0\r\n\r\n", 400),
        ])
    func refusals(_ request: String, status: Int) throws {
        let server = try server()
        let answer = try exchange(server.endpoint, request)
        #expect(answer.status == status)
        #expect(!answer.body.contains("<script>"))
        #expect(answer.body.hasPrefix("{\"error\":"))
        withExtendedLifetime(server) {}
    }

    @Test(
        "a head without end is cut, and the server goes on",
        arguments: ["X: \(String(repeating: "a", count: 100_000))", "\u{0}\u{1}"])
    func oversize(_ line: String) throws {
        let server = try server()
        let answer = try exchange(
            server.endpoint, "GET / HTTP/1.1\r\nHost: localhost\r\n\(line)\r\nConnection: close\r\n\r\n")
        #expect(answer.status == 0 || (400...499).contains(answer.status))
        #expect(try exchange(server.endpoint, get("/status.json")).status == 200)
        withExtendedLifetime(server) {}
    }

    @Test("more connections than are served wait, and are served when one ends")
    func crowd() throws {
        let server = try server()
        let address = try #require(HTTPAddress(server.endpoint))
        var handles: [Int32] = []
        for _ in 0..<Int(HTTPServer.connectionLimit) {
            let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = address.port.bigEndian
            inet_pton(AF_INET, address.host, &target.sin_addr)
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafePointer(to: &target) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(handle, $0, size) }
            }
            #expect(result == 0)
            handles.append(handle)
        }
        for handle in handles { close(handle) }
        #expect(try exchange(server.endpoint, get("/status.json")).status == 200)
        withExtendedLifetime(server) {}
    }

    @Test("a port that another one has is a named error, and no fault of the configuration")
    func taken() throws {
        let first = try server()
        let address = try #require(HTTPAddress(first.endpoint))
        let error = try #require(throws: HTTPError.self) {
            try HTTPServer(HTTPServer.Configuration(address: address), progress: unwatched) { _ in .notFound }
        }
        #expect(!error.isConfiguration)
        #expect("\(error)".contains(first.endpoint) && "\(error)".contains("another process has this port"))
    }

    @Test("an address that is not of this machine is a named error")
    func foreign() throws {
        let address = try #require(HTTPAddress("127.0.0.1:1"))
        #expect(address.isLoopback)
        let folder = try TemporaryFolder()
        let path = folder.file("token")
        try Data("0123456789abcdefghij".utf8).write(to: URL(filePath: path))
        chmod(path, 0o600)
        let configuration = try HTTPServer.Configuration(
            address: #require(HTTPAddress("192.0.2.1:9477")), token: HTTPToken(path: path))
        let error = try #require(throws: HTTPError.self) {
            try HTTPServer(configuration, progress: unwatched) { _ in .notFound }
        }
        #expect("\(error)".contains("192.0.2.1:9477") && "\(error)".contains("address of this machine"))
    }

    @Test("the server ends with its last owner, and its port is free")
    func ends() throws {
        var server: HTTPServer? = try server()
        let endpoint = try #require(server?.endpoint)
        server = nil
        let again = try HTTPServer(
            HTTPServer.Configuration(address: #require(HTTPAddress(endpoint))), progress: unwatched
        ) { _ in .notFound }
        #expect(again.endpoint == endpoint)
    }

    @Test("its loop turns while nobody asks, stalls while an answer hangs, and ends with the server")
    func turns() async throws {
        let address = try #require(HTTPAddress("127.0.0.1:0"))
        let clock = Locked<UInt64>(0)
        let progress = LoopProgress("http", patienceSeconds: 2) { clock.current }
        let isHanging = Locked(false)
        let gate = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        var server: HTTPServer? = try HTTPServer(HTTPServer.Configuration(address: address), progress: progress) { _ in
            isHanging.withLock { $0 = true }
            _ = gate.take()
            return .json("{}")
        }
        let endpoint = try #require(server?.endpoint)
        clock.withLock { $0 = 3_000_000_000 }
        try await wait { !progress.isStalled }
        Thread { _ = try? exchange(endpoint, get("/")) }.start()
        try await wait { isHanging.current }
        clock.withLock { $0 = 6_000_000_000 }
        #expect(progress.isStalled)
        gate.close()
        try await wait { !progress.isStalled }
        server = nil
        clock.withLock { $0 = .max - 1 }
        #expect(!progress.isStalled)
    }
}
