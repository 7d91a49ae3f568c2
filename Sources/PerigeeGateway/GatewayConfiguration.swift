public import PerigeeConfig
public import PerigeeHTTP
public import PerigeeLink
internal import PerigeeTransport

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

    /// The settings that it was made of, for a reload; nil where it was made by hand.
    public var live: LiveConfiguration<GatewaySettings>?

    /// See the properties.
    public init(endpoint: String, archiveDirectory: String) {
        self.endpoint = endpoint
        self.archiveDirectory = archiveDirectory
    }

    /// What settings say that were read from `source`.
    public init(_ settings: GatewaySettings, from source: ConfigurationSource, keys: GatewayKeys?) {
        self.init(endpoint: settings.endpoint, archiveDirectory: settings.archiveDirectory)
        self.keys = keys
        live = LiveConfiguration(settings, from: source, now: currentTime().utc)
        statusFile = settings.statusFile
        limits = GatewayLimits(settings)
    }

    /// What a reload may change.
    var limits: GatewayLimits {
        get {
            GatewayLimits(
                segmentSize: segmentSize, stationLimit: stationLimit, stationWaitingSize: stationWaitingSize,
                stationRate: stationRate)
        }
        set {
            segmentSize = newValue.segmentSize
            stationLimit = newValue.stationLimit
            stationWaitingSize = newValue.stationWaitingSize
            stationRate = newValue.stationRate
        }
    }
}

/// The part of a gateway's configuration that may change while it runs.
struct GatewayLimits: Equatable, Sendable {
    var segmentSize: Int
    var stationLimit: Int
    var stationWaitingSize: Int
    var stationRate: Int?
}

extension GatewayLimits {
    init(_ settings: GatewaySettings) {
        self.init(
            segmentSize: settings.segmentSize, stationLimit: settings.stationLimit,
            stationWaitingSize: settings.stationWaitingSize, stationRate: settings.stationRate)
    }
}
