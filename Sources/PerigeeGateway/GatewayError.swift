public import PerigeeArchive
public import PerigeeHTTP
public import PerigeeTransport

/// Why a gateway could not start, or had to stop.
public enum GatewayError: Error, Sendable {
    case archive(ArchiveError)
    case transport(TransportError)
    /// The page and the metrics cannot be served.
    case http(HTTPError)
    /// Nobody checks keys any more: going on would let everybody in.
    case admission(reason: String)
}

extension GatewayError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .archive(let error): "\(error)"
        case .transport(let error): "\(error)"
        case .http(let error): "\(error)"
        case .admission(let reason):
            "the thread that checks keys has ended: \(reason): the process ends, start it again"
        }
    }
}
