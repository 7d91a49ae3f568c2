import PerigeeCore

/// What `perigeed` reads at its start: Config/perigeed.toml.
public struct StationConfiguration: Equatable, Sendable {
    /// One socket on which frames come in.
    public struct Intake: Equatable, Sendable {
        /// How sources send.
        public enum Mode: String, CaseIterable, Sendable {
            /// The station subscribes; what it cannot take is lost and counted.
            case sub
            /// The station pulls; sources wait while it is busy.
            case pull
            /// As `pull`, and the station tells each source when a frame is durable.
            case acknowledged
        }

        public var mode: Mode
        public var endpoint: String
        /// Prefix of the topics that a SUB takes.
        public var topic: String
        /// Listens there, or connects to it.
        public var binds: Bool
        /// Folder of the public keys of sources that may send, over CURVE; nil takes frames from everybody who can connect.
        public var sourcesDirectory: String?
        /// Is there in the clear, whoever can reach it.
        public var isInsecure: Bool
    }

    /// What it was made of, and the name of the file.
    let values: KeyValues
    let file: String
    public var stationID: String
    public var intakes: [Intake]
    /// Octets of a header, of a frame's samples, and of all frames that wait.
    public var headerSizeLimit: Int
    public var frameSizeLimit: Int
    public var intakeSizeLimit: Int
    /// Frames encoded at the same time; 0 is one for each core.
    public var lanes: Int
    /// What is sent of a frame.
    public var target: Target
    /// The target of a sensor that has its own.
    public var targets: [String: Target]
    /// Each so-manieth frame is also compressed losslessly by zstd, to compare with.
    public var baselineInterval: Int
    public var sensorsDirectory: String
    public var firmwareDirectory: String
    /// Name of the bundle inside of the directory.
    public var firmwareName: String
    /// Slots of installed bundles, and the public keys that may have signed those.
    public var firmwareSlotsDirectory: String
    public var firmwareKeysDirectory: String
    /// The bundle of the directory must be signed where others could have changed it.
    public var requiresFirmwareSignature: Bool
    public var spool: Spool
    public var gatewayEndpoint: String
    /// Connects there in the clear where there are no keys, whoever can listen in.
    public var isInsecure: Bool
    /// Its own secret key, and the file of its gateway's public keys.
    public var secretFile: String
    public var gatewayKeyFile: String
    /// Tried in this order while the gateway, and those before, do not answer.
    public var fallbacks: [Fallback]
    public var line: Line
    /// Nil where nothing is served.
    public var http: HTTPSettings?
    /// Of each so-manieth frame the page shows a picture; 0 of none.
    public var quicklookInterval: Int
    public var classes: [FrameClass]
    public var control: Control
    public var memory: Memory
    public var statusFile: String
    /// The finest level of lines in the log, by its name.
    public var logLevel: String
    /// How long the link may still deliver when the station is asked to stop.
    public var drainSeconds: Int
}

extension StationConfiguration {
    /// Where packets wait until the gateway has them, and how much of the disk they and what is kept for later may take.
    public struct Spool: Equatable, Sendable {
        public var directory: String
        /// Octets of packets that wait.
        public var quota: Int
        /// The part of them that only priorities 0 and 1 may use.
        public var reserved: Int
        /// Octets of a file that is given up when the disk is full.
        public var ballast: Int
        /// Octets of packets that were delivered, of finer layers, and of raw frames, which are kept for whoever asks for them.
        public var sentRing: Int
        public var finerRing: Int
        public var rawRing: Int
        /// Days after which those are forgotten.
        public var ringDays: Int
        /// Days after which packets that wait are given up; 0 is never.
        public var expiryDays: Int
    }

    /// How much of a frame is sent.
    public enum Target: Equatable, Sendable {
        /// Raw octets over all octets sent.
        case ratio(Double)
        /// As much as brings every sample back as it was.
        case lossless

        /// As the reader of keys gives it: 0 is lossless.
        init(_ number: Double) { self = number == 0 ? .lossless : .ratio(number) }
    }

    private static let intakeKeys: [Key] = [
        Key(
            needed: "mode", .text(choices: Intake.Mode.allCases.map(\.rawValue)),
            "\"pull\", \"sub\" or \"acknowledged\""),
        Key(
            needed: "endpoint", .text(),
            "ZeroMQ endpoint, such as \"tcp://127.0.0.1:5570\" or \"ipc:///run/perigee/frames\""),
        Key("topic", .text(), .text(""), "prefix of the topics that a sub takes"),
        Key("sources", .text(), nil, "folder of public keys of sources, NAME.pub each: only they may send, encrypted"),
        Key("insecure", .boolean, .boolean(false), "take frames in the clear, whoever can reach the endpoint"),
        Key("bind", .boolean, nil, "listen there (default) or connect to it (default for sub)"),
    ]

    private static let overrideKeys: [Key] = [
        Key(needed: "sensor", .text(), "name of a sensor"),
        Key(needed: "target", .ratio, "its ratio"),
    ]

    /// The keys of the file.
    public static let keys =
        stationKeys + linkKeys + controlKeys + memoryKeys + LogSettings.keys
        + HTTPSettings.keys(listen: "127.0.0.1:9477") + [
            Key(
                "http.quicklook_every", .integer(0...1_000_000), .integer(0),
                "of each so-manieth frame of a sensor the page shows a small picture; 0: of none")
        ]

    private static let stationKeys: [Key] = [
        Key("station.id", .text(), .text("station-1"), "name of this station, said to the gateway"),
        Key(needed: "intake.endpoints", .tables(intakeKeys), "sockets on which frames come in"),
        Key("limits.header_bytes", .size(1_024...1 << 24), .integer(64 << 10), "largest header of a frame"),
        Key(
            "limits.frame_bytes", .size(1...1 << 32), .integer(Samples.defaultSizeLimit),
            "largest samples of a frame, decompressed"),
        Key(
            "limits.intake_bytes", .size(1...1 << 40), .integer(1 << 30), "frames that wait to be encoded, together",
            .atReload),
        Key("encoder.lanes", .integer(0...256), .integer(0), "frames encoded at the same time; 0 is one for each core"),
        Key("encoder.target", .ratio, .number(300), "raw octets over all octets sent, or lossless", .atReload),
        Key("encoder.overrides", .tables(overrideKeys), .tables([]), "targets of single sensors", .atReload),
        Key(
            "encoder.baseline_every", .integer(1...1_000_000), .integer(10),
            "each so-manieth frame of a sensor is also compressed losslessly by zstd, to compare with", .atReload),
        Key("sensors.directory", .text(), .text("sensors"), "folder of sensor profiles"),
        Key("firmware.directory", .text(), .text("/usr/share/perigee/firmware"), "folder of the package's bundles"),
        Key(
            "firmware.name", .text(), .text("perigee-1"), "bundle to use where none is installed: a folder inside of it"
        ),
        Key("firmware.slots", .text(), .text("/var/lib/perigee/firmware"), "folder of installed bundles"),
        Key(
            "firmware.keys", .text(), .text("firmware-keys"), "folder of public keys that may sign bundles, each *.pub"),
        Key(
            "firmware.require_signature", .boolean, .boolean(true),
            "refuse an unsigned bundle of the directory that others could have changed"),
        Key("gateway.endpoint", .text(), .text("tcp://127.0.0.1:5571"), "ZeroMQ endpoint of the gateway"),
        Key("gateway.insecure", .boolean, .boolean(false), "connect without keys, whoever can listen in"),
        Key("keys.secret", .text(), .text("keys/station.secret"), "own secret key"),
        Key("keys.gateway", .text(), .text("keys/gateway.pub"), "public keys of the gateway, one or two"),
        Key("spool.directory", .text(), .text("/var/lib/perigee/spool"), "folder of the spool"),
        Key(
            "spool.quota_bytes", .size(1 << 20...1 << 40), .integer(1 << 30), "packets that wait for the gateway",
            .atReload),
        Key(
            "spool.reserved_bytes", .size(0...1 << 40), .integer(64 << 20),
            "the part of the quota that only priorities 0 and 1 may use", .atReload),
        Key(
            "spool.ballast_bytes", .size(0...1 << 30), .integer(32 << 20), "a file that is given up on a full disk"),
        Key(
            "spool.sent_ring_bytes", .size(0...1 << 40), .integer(64 << 20), "delivered packets kept to be sent again",
            .atReload),
        Key(
            "spool.finer_ring_bytes", .size(0...1 << 40), .integer(256 << 20), "finer layers kept to be asked for",
            .atReload),
        Key(
            "spool.raw_ring_bytes", .size(0...1 << 40), .integer(256 << 20), "raw frames kept to be asked for, as zstd",
            .atReload),
        Key(
            "spool.ring_days", .integer(1...3_650), .integer(7), "days after which what is kept is forgotten", .atReload
        ),
        Key(
            "spool.expiry_days", .integer(0...3_650), .integer(0), "days after which packets are given up; 0 is never",
            .atReload),
        Key(
            "gateway.drain_seconds", .integer(0...3_600), .integer(10), "how long to deliver when asked to stop",
            .atReload),
        Key("status.file", .text(), .text("/run/perigee/status.json"), "written each second and at the end"),
    ]

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
        intakes = []
        for table in values.tables("intake.endpoints") {
            let mode = Intake.Mode(rawValue: table.text("mode")) ?? .pull
            let endpoint = table.text("endpoint")
            Self.check(endpoint, line: table.line("endpoint"), key: "intake.endpoints", &reader)
            let binds = table.optionalBoolean("bind") ?? (mode != .sub)
            let sources = table.optionalText("sources")
            if sources != nil, !binds {
                reader.add(
                    table.line("sources"), "intake.endpoints",
                    "has sources, but connects: let the station listen there with bind = true, or remove sources")
            }
            intakes.append(
                Intake(
                    mode: mode, endpoint: endpoint, topic: table.text("topic"), binds: binds,
                    sourcesDirectory: sources.map { ConfigurationFile.resolve($0, besides: name) },
                    isInsecure: table.optionalBoolean("insecure") ?? false))
        }
        if intakes.isEmpty, case .tables = values["intake.endpoints"] {
            reader.add(values.line("intake.endpoints"), "intake.endpoints", "is empty: name one endpoint or more")
        }
        targets = [:]
        for table in values.tables("encoder.overrides") {
            let sensor = table.text("sensor")
            if targets.updateValue(Target(table.optionalNumber("target") ?? 1), forKey: sensor) != nil {
                reader.add(table.line("sensor"), "encoder.overrides", "has \"\(sensor)\" twice: keep one")
            }
        }
        func path(_ key: String) -> String { values.path(key, besides: name) }
        stationID = values.text("station.id")
        let isName = stationID.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
        }
        if !isName || !(1...32).contains(stationID.utf8.count) {
            reader.add(
                values.line("station.id"), "station.id",
                "is \"\(stationID)\", must be 1 to 32 of a-z, 0-9 and -: rename it")
        }
        headerSizeLimit = values.integer("limits.header_bytes")
        frameSizeLimit = values.integer("limits.frame_bytes")
        intakeSizeLimit = values.integer("limits.intake_bytes")
        if intakeSizeLimit < frameSizeLimit {
            reader.add(
                values.line("limits.intake_bytes"), "limits.intake_bytes",
                "is \(intakeSizeLimit), must hold one frame of limits.frame_bytes (\(frameSizeLimit)): raise it")
        }
        lanes = values.integer("encoder.lanes")
        target = Target(values.number("encoder.target"))
        baselineInterval = values.integer("encoder.baseline_every")
        sensorsDirectory = path("sensors.directory")
        firmwareDirectory = path("firmware.directory")
        firmwareName = values.text("firmware.name")
        firmwareSlotsDirectory = path("firmware.slots")
        firmwareKeysDirectory = path("firmware.keys")
        requiresFirmwareSignature = values.optionalBoolean("firmware.require_signature") ?? true
        gatewayEndpoint = values.text("gateway.endpoint")
        isInsecure = values.optionalBoolean("gateway.insecure") ?? false
        secretFile = path("keys.secret")
        gatewayKeyFile = path("keys.gateway")
        Self.check(gatewayEndpoint, line: values.line("gateway.endpoint"), key: "gateway.endpoint", &reader)
        spool = Spool(
            directory: path("spool.directory"), quota: values.integer("spool.quota_bytes"),
            reserved: values.integer("spool.reserved_bytes"), ballast: values.integer("spool.ballast_bytes"),
            sentRing: values.integer("spool.sent_ring_bytes"), finerRing: values.integer("spool.finer_ring_bytes"),
            rawRing: values.integer("spool.raw_ring_bytes"), ringDays: values.integer("spool.ring_days"),
            expiryDays: values.integer("spool.expiry_days"))
        if spool.reserved > spool.quota / 2 {
            reader.add(
                values.line("spool.reserved_bytes"), "spool.reserved_bytes",
                "is \(spool.reserved), must be at most half of spool.quota_bytes (\(spool.quota)): lower it")
        }
        drainSeconds = values.integer("gateway.drain_seconds")
        fallbacks = Self.fallbacks(values, file: name, &reader)
        line = Line(values, &reader)
        http = HTTPSettings.read(values, file: name, &reader)
        quicklookInterval = values.integer("http.quicklook_every")
        classes = Self.classes(values, file: name)
        control = Control(values, file: name)
        memory = Memory(values)
        statusFile = path("status.file")
        logLevel = values.text("log.level")
        guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
    }

    static func check(_ endpoint: String, line: Int, key: String, _ reader: inout KeyReader) {
        guard
            !["tcp://", "ipc://", "inproc://"].contains(where: { endpoint.hasPrefix($0) && endpoint.count > $0.count })
        else { return }
        reader.add(line, key, "is \"\(endpoint)\", must be a ZeroMQ endpoint such as \"tcp://127.0.0.1:5570\"")
    }
}
