internal import CMicroHTTPD
internal import Glibc
public import PerigeeConcurrency

/// A read-only server on one thread of its own. Its handler answers from memory: while it works nobody else is served, and
/// whoever watches the loop sees that it does not turn.
public final class HTTPServer: @unchecked Sendable {  // `daemon` is of the thread alone until that has ended
    /// Where and for whom.
    public struct Configuration: Equatable, Sendable {
        public var address: HTTPAddress
        /// Further names that `Host` and `Origin` may have.
        public var hosts: [String]
        public var token: HTTPToken?

        /// An address that others reach needs a token.
        public init(address: HTTPAddress, hosts: [String] = [], token: HTTPToken? = nil) throws(HTTPError) {
            guard address.isLoopback || token != nil else {
                throw .tokenNeeded(address: address.text(port: address.port))
            }
            self.address = address
            self.hosts = hosts
            self.token = token
        }

        /// From `[http]` of a configuration: reads the token's file.
        public init(host: String, port: UInt16, hosts: [String], tokenFile: String?) throws(HTTPError) {
            guard let address = HTTPAddress(host: host, port: port) else { throw .address("\(host):\(port)") }
            try self.init(
                address: address, hosts: hosts,
                token: tokenFile.map { path throws(HTTPError) in try HTTPToken(path: path) })
        }
    }

    /// Connections at the same time; more wait in the system's queue.
    package static let connectionLimit: UInt32 = 16
    /// Octets of a request's head, and of what waits to be sent besides the body; a longer head is answered 414 or 431.
    static let headLimit = 16 << 10
    /// Seconds without a sign after which a connection is ended.
    static let idleSeconds: UInt32 = 15

    /// As a URL names it, with the port that it really has.
    public let endpoint: String
    private let daemon: OpaquePointer
    private let exchange: Unmanaged<Exchange>
    private let bell: Int32
    private let thread: NamedThread

    /// Listens and begins to serve. `progress` turns with its thread.
    public init(
        _ configuration: Configuration, progress: LoopProgress,
        handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) throws(HTTPError) {
        let handle = try configuration.address.listen()
        endpoint = configuration.address.text(port: HTTPAddress.port(of: handle))
        let exchange = Unmanaged.passRetained(
            Exchange(
                gate: HTTPGuard(
                    address: configuration.address, hosts: configuration.hosts, token: configuration.token),
                handler: handler))
        let bell = perigee_http_bell()
        guard bell >= 0,
            let daemon = perigee_http_start(
                handle, Exchange.callback, exchange.toOpaque(), Self.connectionLimit, Self.headLimit, Self.idleSeconds)
        else {
            close(handle)
            if bell >= 0 { close(bell) }
            exchange.release()
            throw .start(address: endpoint)
        }
        self.daemon = daemon
        self.exchange = exchange
        self.bell = bell
        nonisolated(unsafe) let served = daemon  // by this thread alone, see the class
        thread = NamedThread("http") {
            repeat { progress.note() } while perigee_http_turn(served, bell, Int32(LoopProgress.turnMilliseconds)) != 0
            progress.end()
        }
    }

    deinit {
        perigee_http_ring(bell)
        // nobody uses the handler afterwards
        thread.join()
        MHD_stop_daemon(daemon)
        close(bell)
        exchange.release()
    }
}

/// What the library's thread calls.
private final class Exchange: Sendable {
    let gate: HTTPGuard
    let handler: @Sendable (HTTPRequest) -> HTTPResponse

    init(gate: HTTPGuard, handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse) {
        self.gate = gate
        self.handler = handler
    }

    /// Called with the head, then once more when there is no body to come. A refusal goes out at once, and ends the connection.
    static let callback: MHD_AccessHandlerCallback = { context, connection, url, method, _, _, _, state in
        guard let context, let connection, let url, let method, let state else { return perigee_http_result(0) }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        let request = RequestReader(connection: connection)
        let path = String(cString: url)
        if state.pointee == nil {
            state.pointee = context
            guard let refusal = exchange.gate.refusal(request.head(method: String(cString: method), path: path)) else {
                return perigee_http_result(1)
            }
            return request.answer(refusal)
        }
        let after = request.query("after").flatMap { Int($0) }
        return request.answer(
            exchange.handler(HTTPRequest(path: path, after: after, accept: request.header("Accept"))))
    }
}

/// One connection, while the library's callback runs.
private struct RequestReader {
    let connection: OpaquePointer

    func header(_ name: String) -> String? { perigee_http_header(connection, name).map { String(cString: $0) } }

    func query(_ name: String) -> String? { perigee_http_query(connection, name).map { String(cString: $0) } }

    func head(method: String, path: String) -> HTTPGuard.Head {
        var head = HTTPGuard.Head()
        head.method = method
        head.path = path
        head.host = header("Host")
        head.origin = header("Origin")
        head.authorization = header("Authorization")
        head.token = query("token")
        head.hasBody = header("Transfer-Encoding") != nil || header("Content-Length").map { $0 != "0" } ?? false
        return head
    }

    func answer(_ response: HTTPResponse) -> MHD_Result {
        // the library copies the octets, so the pointer does not outlive the call
        let made = response.body.withUnsafeBytes { perigee_http_response($0.baseAddress, $0.count) }
        guard let made else { return perigee_http_result(0) }
        defer { MHD_destroy_response(made) }
        let headers =
            response.headers + [
                ("Content-Type", response.contentType), ("Cache-Control", "no-store"),
                ("Content-Security-Policy", response.contentSecurityPolicy), ("X-Content-Type-Options", "nosniff"),
                ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ]
        for (name, value) in headers { MHD_add_response_header(made, name, value) }
        return MHD_queue_response(connection, UInt32(response.status), made)
    }
}
