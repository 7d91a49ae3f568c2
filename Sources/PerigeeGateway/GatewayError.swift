public import PerigeeArchive
public import PerigeeTransport

/// Why a gateway could not start, or had to stop.
public enum GatewayError: Error, Sendable {
    case archive(ArchiveError)
    case transport(TransportError)
}

extension GatewayError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .archive(let error): "\(error)"
        case .transport(let error): "\(error)"
        }
    }
}
