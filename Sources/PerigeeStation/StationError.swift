public import PerigeeCodec
public import PerigeeConfig
public import PerigeeFirmware
public import PerigeeHTTP
public import PerigeeRollout
public import PerigeeSpool
public import PerigeeTransport

/// Why a station does not start.
public enum StationError: Error, Sendable, CustomStringConvertible {
    case configuration(ConfigurationError)
    case firmware(path: String, FirmwareError)
    case model(path: String, CodecError)
    /// A bundle that is not to be trusted.
    case rollout(path: String, RolloutError)
    /// A socket cannot be bound or connected.
    case intake(endpoint: String, TransportError)
    /// The station's name is none.
    case name(String)
    case link(endpoint: String, TransportError)
    /// Its keys cannot be used, or are not there where they are needed.
    case keys(KeyError)
    /// The page and the metrics cannot be served.
    case http(HTTPError)
    case spool(SpoolError)
    /// All that is wrong at once; never empty.
    case several([StationError])

    public var description: String {
        switch self {
        case .configuration(let error): error.description
        case .firmware(let path, let error): "firmware \(path): \(error)"
        case .model(let path, let error): "firmware \(path) does not fit this codec: \(error)"
        case .rollout(let path, let error): "firmware \(path): \(error)"
        case .intake(let endpoint, let error): "intake \(endpoint): \(error)"
        case .name(let text): "station.id: \(text)"
        case .link(let endpoint, let error): "gateway \(endpoint): \(error)"
        case .keys(let error): error.description
        case .http(let error): error.description
        case .spool(let error): "spool: \(error)"
        case .several(let errors): errors.map(\.description).joined(separator: "\n")
        }
    }
}
