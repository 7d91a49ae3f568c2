public import PerigeeCore
public import PerigeeJSON

/// The settings of a daemon, read by a table of keys.
public protocol DaemonSettings: Sendable {
    /// The keys of its file.
    static var keys: [Key] { get }
    /// What it was made of.
    var readValues: KeyValues { get }
    /// Reads a document. All problems are thrown together.
    init(_ document: TomlDocument) throws(ConfigurationError)
    /// The same settings, but for some keys those of `other`.
    func keeping(_ keys: [String], of other: Self) throws(ConfigurationError) -> Self
}

/// Where a daemon's settings come from: a file, and what the command line sets above it.
public struct ConfigurationSource: Sendable {
    /// nil: all keys have their defaults.
    public let path: String?
    private let overrides: [String]

    /// `overrides` are `key=value` each.
    public init(path: String?, overrides: [String] = []) {
        self.path = path
        self.overrides = overrides
    }

    /// Reads the settings. All problems are thrown together.
    public func read<Settings: DaemonSettings>(_: Settings.Type) throws(ConfigurationError) -> Settings {
        let document =
            if let path { try TomlDocument(path: path) } else { try TomlDocument(parsing: [], name: "defaults") }
        return try Settings(document.setting(overrides, keys: Settings.keys))
    }
}

/// Which settings are in force, and what became of the last attempt to replace them. Source: Docs/decisions/0026-reload.md.
///
/// A new file is taken as a whole or not at all. Keys that count from the next start only keep their values until then.
public struct LiveConfiguration<Settings: DaemonSettings>: Sendable {
    /// What is in force.
    public private(set) var current: Settings
    /// Counted from 1, one more for each file that was taken.
    public private(set) var generation = 1
    /// When the last one was taken.
    public private(set) var loadedAt: Timestamp
    /// Why the last attempt failed; nil where it did not.
    public private(set) var lastError: String?
    /// Keys that the file has changed and that wait for the next start.
    public private(set) var restartNeeded: [String] = []
    /// Where it came from.
    public let source: ConfigurationSource

    /// The settings of a daemon that starts.
    public init(_ current: Settings, from source: ConfigurationSource, now: Timestamp) {
        self.current = current
        self.source = source
        loadedAt = now
    }

    /// Reads the file anew. `apply` puts the settings in force or throws, and must then have changed nothing. False where the old ones
    /// stay.
    public mutating func reload(now: Timestamp, apply: (Settings) throws -> Void) -> Bool {
        do {
            let read = try source.read(Settings.self)
            // what waits for a start has its old value in `current`
            let changes = current.readValues.changes(in: read.readValues)
            let waiting = Settings.keys.filter { $0.change == .atStart && changes.contains($0.path) }.map(\.path)
            let settings = try read.keeping(waiting, of: current)
            try apply(settings)
            current = settings
            restartNeeded = waiting.sorted()
        } catch {
            lastError = "\(error)"
            return false
        }
        generation += 1
        loadedAt = now
        lastError = nil
        return true
    }
}

extension LiveConfiguration {
    /// `configuration` of status.json: Docs/status.md.
    public var json: JSONValue {
        .object([
            "path": .optional(source.path), "generation": .integer(generation),
            "loaded_at": .string(loadedAt.rfc3339), "last_error": .optional(lastError),
            "restart_needed": .strings(restartNeeded),
        ])
    }
}

extension StationConfiguration: DaemonSettings {
    public var readValues: KeyValues { values }

    public func keeping(_ keys: [String], of other: StationConfiguration) throws(ConfigurationError) -> Self {
        var reader = KeyReader(file: file)
        return try StationConfiguration(values.keeping(keys, of: other.values), &reader)
    }
}

extension GatewaySettings: DaemonSettings {
    public var readValues: KeyValues { values }

    public func keeping(_ keys: [String], of other: GatewaySettings) throws(ConfigurationError) -> Self {
        var reader = KeyReader(file: file)
        return try GatewaySettings(values.keeping(keys, of: other.values), &reader)
    }
}
