/// Why octets could not be compressed or restored.
public enum CompressionError: Error, Equatable, Sendable {
    /// zstd refused; the reason is its own text.
    case library(operation: String, reason: String)
    /// The octets would restore to more than the limit, both in octets.
    case outOfRange(size: Int, limit: Int)
    /// The octets are no whole zstd frame.
    case damaged(reason: String)
}

extension CompressionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .library(let operation, let reason): "zstd \(operation) failed: \(reason)"
        case .outOfRange(let size, let limit):
            "compressed octets restore to \(size) octets, the limit is \(limit): raise the limit or send less"
        case .damaged(let reason): "compressed octets are damaged (\(reason)): send them again"
        }
    }
}
