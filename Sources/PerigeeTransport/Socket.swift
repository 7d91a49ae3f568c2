internal import CZeroMQ

/// Owns one libzmq socket. It belongs to one thread at a time.
///
/// Every operation is `mutating` on a type that cannot be copied, so the compiler sees that nobody else uses it meanwhile;
/// giving it to another thread is a hand-over with the fence that libzmq asks for. That is the proof of `@unchecked`.
public struct Socket: ~Copyable, @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
    /// Keeps the context until this socket is closed.
    private let context: ZeroMQContext
    /// The pattern it was made for.
    public let type: SocketType
    /// Where it was last bound or connected, as given; empty before.
    public private(set) var endpoint = ""
    private var monitor: SocketMonitor?

    /// A socket that is neither bound nor connected.
    public init(
        _ type: SocketType, context: ZeroMQContext, options: SocketOptions = SocketOptions()
    ) throws(TransportError) {
        guard let handle = zmq_socket(context.handle, type.code) else { throw .last("make a \(type.name) socket", "") }
        do throws(TransportError) { try options.apply(to: handle, type: type) } catch {
            zmq_close(handle)
            throw error
        }
        self.handle = handle
        self.context = context
        self.type = type
    }

    deinit {
        // an attached monitor must be ended before its socket is: it then says goodbye to its thread
        if monitor != nil { zmq_socket_monitor(handle, nil, 0) }
        zmq_close(handle)
    }

    /// Listens at `endpoint`, such as `tcp://*:5555`, `tcp://*:*` (any free port, see `lastEndpoint`) or `ipc://PATH`.
    /// In a sandbox without AF_NETLINK a concrete TCP address ends the process inside libzmq; the wildcard does not.
    public mutating func bind(_ endpoint: String) throws(TransportError) {
        self.endpoint = endpoint
        try Self.checkPort(endpoint)
        guard zmq_bind(handle, endpoint) == 0 else { throw .last("bind", endpoint) }
    }

    /// Starts to connect to `endpoint` and keeps trying; returns at once.
    public mutating func connect(_ endpoint: String) throws(TransportError) {
        self.endpoint = endpoint
        try Self.checkPort(endpoint)
        guard zmq_connect(handle, endpoint) == 0 else { throw .last("connect", endpoint) }
    }

    /// libzmq takes a port modulo 65,536 and would listen somewhere else.
    private static func checkPort(_ endpoint: String) throws(TransportError) {
        guard endpoint.hasPrefix("tcp://"), let colon = endpoint.lastIndex(of: ":") else { return }
        let port = endpoint[endpoint.index(after: colon)...]
        guard !port.isEmpty, port.utf8.allSatisfy({ (48...57).contains($0) }), UInt16(port) == nil else { return }
        throw .port(endpoint: endpoint)
    }

    /// Ends the connection to `endpoint`, which was given to `connect`.
    public mutating func disconnect(_ endpoint: String) throws(TransportError) {
        guard zmq_disconnect(handle, endpoint) == 0 else { throw .last("disconnect", endpoint) }
    }

    /// No longer listens at `endpoint`, as `lastEndpoint` names it. Connections that came in there end; what was received on
    /// them can still be read.
    public mutating func unbind(_ endpoint: String) throws(TransportError) {
        guard zmq_unbind(handle, endpoint) == 0 else { throw .last("unbind", endpoint) }
    }

    /// Receives what begins with `prefix`; the empty one is everything. Only for `.subscribe`.
    public mutating func subscribe(_ prefix: String) throws(TransportError) {
        let octets = Array(prefix.utf8)
        guard zmq_setsockopt(handle, ZMQ_SUBSCRIBE, octets, octets.count) == 0 else {
            throw .last("subscribe to \"\(prefix)\"", endpoint)
        }
    }

    /// Where it really listens: the port behind `tcp://*:*`. A wildcard host reads `0.0.0.0` or `[::]`.
    public mutating func lastEndpoint() throws(TransportError) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        var size = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &size) == 0 else {
            throw .last("ask for the endpoint", endpoint)
        }
        return String(decoding: text.prefix(max(size - 1, 0)), as: UTF8.self)  // its count includes a final zero
    }

    /// Reports what happens to this socket's connections, on a thread of its own that ends with the socket.
    /// `sink` is called on that thread and must not wait: what is not read stops libzmq's I/O thread. Once, before `bind` or `connect`.
    public mutating func observe(_ sink: @escaping @Sendable (ConnectionEvent) -> Void) throws(TransportError) {
        monitor = try SocketMonitor(of: handle, context: context, sink: sink)
    }
}
