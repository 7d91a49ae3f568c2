public import PerigeeHTTP
public import PerigeeLink

/// What a gateway needs to know.
public struct GatewayConfiguration: Sendable {
    /// Where stations connect to, such as `tcp://*:5571`.
    public var endpoint: String
    public var archiveDirectory: String
    /// Encrypts and lets in listed stations only; nil serves everybody, in the clear.
    public var keys: GatewayKeys?
    /// Octets after which a segment of the archive is closed.
    public var segmentSize = 64 << 20
    /// Counters and state as JSON, written anew each second; nil writes none.
    public var statusFile: String?
    /// Where page and metrics are served; nil serves none.
    public var http: HTTPServer.Configuration?
    /// Stations with a session at the same time.
    public var stationLimit = 1_000
    /// Octets of packets of one station that may wait for the disk, of all its sessions together.
    public var stationWaitingSize = 4 << 20
    /// What each session is granted.
    public var session = ReceiverMachine.Configuration()
    /// Octets of packets a second that each station may send in the long run; nil: as many as it likes.
    public var stationRate: Int? {
        get { session.intakeLimit }
        set { session.intakeLimit = newValue }
    }
    /// A commit takes at most so many packets, and waits at most so long for them.
    public var commitPackets = 64
    public var commitMilliseconds: Int64 = 50

    /// See the properties.
    public init(endpoint: String, archiveDirectory: String) {
        self.endpoint = endpoint
        self.archiveDirectory = archiveDirectory
    }
}
