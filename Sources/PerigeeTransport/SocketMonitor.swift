internal import CZeroMQ
internal import PerigeeConcurrency

/// What happened to a connection of an observed socket.
public struct ConnectionEvent: Equatable, Sendable {
    /// What happened; the value's meaning depends on it.
    public enum Kind: Equatable, Sendable {
        /// TCP stands; the greeting is not yet done.
        case connected
        /// The greeting is done: messages can pass. Count connections by this one.
        case ready
        /// The connection ended.
        case disconnected
        /// The next attempt comes in so many milliseconds.
        case retry(milliseconds: Int)
        /// The peer spoke no ZMTP, or another mechanism; libzmq does not try again by itself.
        case protocolFailure(code: Int)
        /// The peer refused our key; libzmq does not try again by itself.
        case refused(code: Int)
        /// The peer hung up while greeting.
        case greetingCut(code: Int)
        /// The socket listens.
        case listening
        /// A peer was let in by the system; the greeting is not yet done.
        case accepted
    }
    public let kind: Kind
    public let endpoint: String
}

/// Drains the monitor of one socket on a thread of its own: an unread monitor stops libzmq's I/O thread.
/// The thread holds this object and the context, and ends when the socket ends its monitor.
final class SocketMonitor: Sendable {
    init(
        of handle: UnsafeMutableRawPointer, context: ZeroMQContext, sink: @escaping @Sendable (ConnectionEvent) -> Void
    ) throws(TransportError) {
        let endpoint = "inproc://monitor-\(UInt(bitPattern: handle))-\(UInt64.random(in: 0...UInt64.max))"
        guard zmq_socket_monitor(handle, endpoint, ZMQ_EVENT_ALL) == 0 else {
            throw .last("start a monitor", endpoint)
        }
        var options = SocketOptions()
        options.receiveTimeoutMilliseconds = nil
        options.receiveHighWaterMark = 0  // none: a monitor that drops or waits is worse than one that grows
        var pair = try Socket(.pair, context: context, options: options)
        try pair.connect(endpoint)
        let box = Box(pair)
        _ = NamedThread("zmq-monitor") {
            var open = true
            while open { open = Self.drain(box, sink) }
            box.close()
        }
    }

    /// Carries the socket into its thread: a closure cannot own a value that cannot be copied.
    private final class Box: @unchecked Sendable {  // only the monitor's thread touches `socket` once it runs
        private var socket: Socket?
        init(_ socket: consuming Socket) { self.socket = consume socket }
        func receive() throws(TransportError) -> [[UInt8]]? {
            try socket?.receive(limit: MessageLimit(partCount: 2, size: 4_096), waits: true)
        }
        func close() { socket = nil }
    }

    /// Handles one event; false when there will be no more.
    private static func drain(_ box: Box, _ sink: (ConnectionEvent) -> Void) -> Bool {
        let parts: [[UInt8]]?
        do { parts = try box.receive() } catch { return false }
        guard let parts, parts.count == 2, parts[0].count == 6 else { return parts != nil }
        let code = Int32(parts[0][0]) | Int32(parts[0][1]) << 8
        let value = Int(
            Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(parts[0][2 + $1]) << UInt32(8 * $1) }))
        let endpoint = String(decoding: parts[1], as: UTF8.self)
        if code == ZMQ_EVENT_MONITOR_STOPPED { return false }
        if let kind = kind(code, value) { sink(ConnectionEvent(kind: kind, endpoint: endpoint)) }
        return true
    }

    private static func kind(_ code: Int32, _ value: Int) -> ConnectionEvent.Kind? {
        switch code {
        case ZMQ_EVENT_CONNECTED: .connected
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .ready
        case ZMQ_EVENT_DISCONNECTED: .disconnected
        case ZMQ_EVENT_CONNECT_RETRIED: .retry(milliseconds: value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: .protocolFailure(code: value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .refused(code: value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .greetingCut(code: value)
        case ZMQ_EVENT_LISTENING: .listening
        case ZMQ_EVENT_ACCEPTED: .accepted
        default: nil
        }
    }
}
