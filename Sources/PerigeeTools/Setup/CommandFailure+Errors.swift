import PerigeeCommandLine
import PerigeeTransport

extension CommandFailure {
    /// A socket that did not do what it should.
    init(_ error: TransportError) { self.init(.unavailable, "\(error)") }
}
