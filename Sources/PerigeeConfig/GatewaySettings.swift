/// What `perigee-gateway` reads at its start: Config/perigee-gateway.toml.
public struct GatewaySettings: Equatable, Sendable {
    /// What it was made of, and the name of the file.
    let values: KeyValues
    let file: String
    /// Where stations connect to.
    public var endpoint: String
    /// Listens there in the clear where there are no keys, whoever can reach it.
    public var isInsecure: Bool
    /// Its own secret key, and the folder of its stations' public keys.
    public var secretFile: String
    public var stationsDirectory: String
    public var archiveDirectory: String
    /// Octets after which a segment file of the archive is closed and the next one begun.
    public var segmentSize: Int
    public var statusFile: String
    /// The finest level of lines in the log, by its name.
    public var logLevel: String
    /// Nil where nothing is served.
    public var http: HTTPSettings?
    /// Stations that may be connected at the same time.
    public var stationLimit: Int
    /// Octets of packets a second that one station may send for long; nil where there is no limit.
    public var stationRate: Int?
    /// Octets of packets of one station that may wait for the disk.
    public var stationWaitingSize: Int

    /// The keys of the file.
    public static let keys: [Key] =
        [
            Key("gateway.endpoint", .text(), .text("tcp://*:5571"), "ZeroMQ endpoint to listen on"),
            Key("gateway.insecure", .boolean, .boolean(false), "listen without keys, whoever can reach the endpoint"),
            Key("keys.secret", .text(), .text("keys/gateway.secret"), "own secret key"),
            Key("keys.stations", .text(), .text("keys/stations"), "folder of public keys of stations, NAME.pub each"),
            Key("archive.directory", .text(), .text("/var/lib/perigee/archive"), "folder of the archive"),
            Key(
                "archive.segment_bytes", .size(1 << 16...1 << 36), .integer(64 << 20),
                "a segment file is closed at this size", .atReload),
            Key(
                "status.file", .text(), .text("/run/perigee-gateway/status.json"), "written each second and at the end"),
            Key(
                "limits.stations", .integer(1...100_000), .integer(1_000), "stations connected at the same time",
                .atReload),
            Key(
                "limits.station_bytes_per_second", .size(0...1 << 40), .integer(0),
                "packets of one station, in the long run; 0: as many as come", .atReload),
            Key(
                "limits.station_waiting_bytes", .size(1 << 19...1 << 30), .integer(4 << 20),
                "packets of one station that may wait for the disk", .atReload),
        ] + LogSettings.keys + HTTPSettings.keys(listen: "127.0.0.1:9478")

    /// Reads the file at `path`. Relative paths in it are seen from its folder. All problems are thrown together.
    public init(path: String) throws(ConfigurationError) { try self.init(TomlDocument(path: path)) }

    /// Reads a document.
    public init(_ document: TomlDocument) throws(ConfigurationError) {
        var reader = KeyReader(file: document.name)
        let values = reader.read(document.root, keys: Self.keys)
        try self.init(values, &reader)
    }

    /// Takes values that were read; `reader` names their file.
    init(_ values: KeyValues, _ reader: inout KeyReader) throws(ConfigurationError) {
        self.values = values
        let name = reader.file
        file = name
        func path(_ key: String) -> String { values.path(key, besides: name) }
        endpoint = values.text("gateway.endpoint")
        StationConfiguration.check(endpoint, line: values.line("gateway.endpoint"), key: "gateway.endpoint", &reader)
        isInsecure = values.optionalBoolean("gateway.insecure") ?? false
        secretFile = path("keys.secret")
        stationsDirectory = path("keys.stations")
        archiveDirectory = path("archive.directory")
        segmentSize = values.integer("archive.segment_bytes")
        statusFile = path("status.file")
        logLevel = values.text("log.level")
        http = HTTPSettings.read(values, file: name, &reader)
        stationLimit = values.integer("limits.stations")
        let rate = values.integer("limits.station_bytes_per_second")
        stationRate = rate > 0 ? max(rate, 2_048) : nil
        stationWaitingSize = values.integer("limits.station_waiting_bytes")
        guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
    }
}
