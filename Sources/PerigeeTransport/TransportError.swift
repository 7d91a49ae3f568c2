internal import CZeroMQ

/// Why a socket could not do what it was asked. Each case names the endpoint.
public enum TransportError: Error, Equatable, Sendable {
    /// A library call failed; `code` is its errno.
    case call(operation: String, endpoint: String, code: Int32, reason: String)
    /// The port of an endpoint is none.
    case port(endpoint: String)
    /// A message had more parts than the receiver allows; it was read to its end and thrown away.
    case tooManyParts(endpoint: String, limit: Int)
    /// The parts of a message were longer than the receiver allows; it was read to its end and thrown away.
    case messageTooLarge(endpoint: String, limit: Int)

    /// The error that the calling thread's last library call left behind.
    static func last(_ operation: String, _ endpoint: String) -> TransportError {
        let code = zmq_errno()
        return .call(operation: operation, endpoint: endpoint, code: code, reason: String(cString: zmq_strerror(code)))
    }
}

extension TransportError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .call(let operation, let endpoint, _, let reason):
            "\(operation) at \(endpoint.isEmpty ? "no endpoint" : endpoint) failed: \(reason): \(remedy)"
        case .port(let endpoint): "the port of \(endpoint) is above 65535: write a port from 1 to 65535, or *"
        case .tooManyParts(let endpoint, let limit):
            "a message at \(endpoint) has more than \(limit) parts: it was dropped, correct the sender"
        case .messageTooLarge(let endpoint, let limit):
            "a message at \(endpoint) is longer than \(limit) octets: it was dropped, send less or raise the limit"
        }
    }

    private var remedy: String {
        guard case .call(_, _, let code, _) = self else { return "" }
        return switch code {
        case EADDRINUSE: "another process listens there, stop it or choose another port"
        case EADDRNOTAVAIL, ENODEV: "this machine has no such address, bind to tcp://*:PORT"
        case EACCES: "the port or path is not this user's to open, choose another"
        case EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO: "write it as tcp://HOST:PORT or ipc://PATH"
        case EMFILE: "raise the limit of open files"
        default: "check the endpoint and the peer"
        }
    }
}
