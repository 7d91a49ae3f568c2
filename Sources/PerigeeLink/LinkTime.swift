public import PerigeeCore

/// What a machine is told of time with each event.
public struct LinkTime: Equatable, Sendable {
    /// Milliseconds of a clock that never goes back; only differences mean something.
    public var monotonic: Int64
    /// What the wall says; told to the peer, never used to decide.
    public var utc: Timestamp

    /// See the properties.
    public init(monotonic: Int64, utc: Timestamp) {
        self.monotonic = monotonic
        self.utc = utc
    }
}
