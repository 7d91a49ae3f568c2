import PerigeeCodec
public import PerigeeConfig
import PerigeeControl
import PerigeeCore
import PerigeeFirmware
import PerigeeHTTP
import PerigeeLink
import PerigeeTransport

/// What a station needs from files, read and checked; nothing is bound or connected. This is what `--check` does.
public struct StationParts: Sendable {
    public let configuration: StationConfiguration
    /// Where it came from.
    let source: ConfigurationSource
    let catalog: SensorCatalog
    let firmware: StationFirmware
    let name: StationName
    let keys: StationKeys
    /// Nil where nothing is served.
    let http: HTTPServer.Configuration?
    /// Areas of interest by their file.
    let areas: [String: Area]

    /// Reads the keys, the sensors and the firmware that the configuration names. `credentials` is the folder that the service
    /// manager made for this process, as `$CREDENTIALS_DIRECTORY` says. `isStart`: the station really starts, which counts for
    /// a firmware on trial.
    public init(
        _ configuration: StationConfiguration, from source: ConfigurationSource, credentials: String? = nil,
        isStart: Bool = true
    ) throws(StationError) {
        self.configuration = configuration
        self.source = source
        var failures: [StationError] = []
        /// All that is wrong is told at once.
        func attempt<Value>(_ body: () throws(StationError) -> Value) -> Value? {
            do throws(StationError) { return try body() } catch {
                failures.append(error)
                return nil
            }
        }
        let http = attempt { () throws(StationError) -> HTTPServer.Configuration? in
            try wrap { (error: HTTPError) in
                .http(error)
            } _: { () throws(HTTPError) in
                guard let http = configuration.http else { return nil }
                return try HTTPServer.Configuration(
                    host: http.host, port: http.port, hosts: http.hosts, tokenFile: http.tokenFile)
            }
        }
        let keys = attempt { () throws(StationError) in
            try wrap { (error: KeyError) in
                .keys(error)
            } _: { () throws(KeyError) in
                try StationKeys(configuration, credentials: credentials)
            }
        }
        let catalog = attempt { () throws(StationError) in
            try wrap { (error: ConfigurationError) in
                .configuration(error)
            } _: {
                () throws(ConfigurationError) in
                try SensorCatalog(directory: configuration.sensorsDirectory)
            }
        }
        let name = attempt { () throws(StationError) in
            try wrap { (error: FormatError) in
                .name("\(error)")
            } _: { () throws(FormatError) in
                try StationName(configuration.stationID)
            }
        }
        let areas = attempt { () throws(StationError) in try Self.areas(configuration) }
        // last of all: a start that counts for a trial is not spent on a wrong configuration
        let isTrial = isStart && failures.isEmpty
        let firmware = attempt { () throws(StationError) in
            try StationFirmware.choose(configuration, isStart: isTrial)
        }
        guard let http, let keys, var catalog, let name, let areas, let firmware else { throw .several(failures) }
        catalog.add(firmware.bundle.profiles)
        self.http = http
        (self.keys, self.catalog, self.name, self.areas, self.firmware) = (keys, catalog, name, areas, firmware)
        try checkTargets(configuration)
    }

    /// Whether all sensors that have a target of their own are known.
    func checkTargets(_ configuration: StationConfiguration) throws(StationError) {
        let unknown = configuration.targets.keys.sorted().filter { catalog[$0] == nil }
        guard !unknown.isEmpty else { return }
        throw .configuration(
            ConfigurationError(
                problems: unknown.map { sensor in
                    ConfigurationProblem(
                        file: source.path ?? "configuration", line: 0, key: "encoder.overrides",
                        message: "has \"\(sensor)\", which no profile describes: correct the name or add the profile")
                }))
    }

    var bundle: FirmwareBundle { firmware.bundle }
    var model: CodecModel { firmware.model }

    static func areas(_ configuration: StationConfiguration) throws(StationError) -> [String: Area] {
        var areas: [String: Area] = [:]
        for file in configuration.classes.compactMap(\.areaFile) where areas[file] == nil {
            let octets = try wrap { (error: ConfigurationError) in
                .configuration(error)
            } _: { () throws(ConfigurationError) in
                try ConfigurationFile.read(file)
            }
            do throws(AreaError) { areas[file] = try Area(geoJSON: octets[...]) } catch {
                throw .configuration(
                    ConfigurationError(problems: [
                        ConfigurationProblem(file: file, line: 0, key: error.field, message: error.problem)
                    ]))
            }
        }
        return areas
    }

    /// One line about the firmware.
    public var firmwareText: String { "\(bundle.manifest.name) \(Hex.text(bundle.id))" }
}

/// Runs `body`, and turns its error into the station's.
func wrap<Value, Failure: Error>(
    _ convert: (Failure) -> StationError, _ body: () throws(Failure) -> Value
) throws(StationError) -> Value {
    do throws(Failure) { return try body() } catch { throw convert(error) }
}
