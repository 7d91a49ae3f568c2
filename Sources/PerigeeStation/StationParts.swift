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
        _ configuration: StationConfiguration, credentials: String? = nil, isStart: Bool = true
    ) throws(StationError) {
        self.configuration = configuration
        keys = try wrap { (error: KeyError) in
            .keys(error)
        } _: { () throws(KeyError) in
            try StationKeys(configuration, credentials: credentials)
        }
        http = try wrap { (error: HTTPError) in
            .http(error)
        } _: { () throws(HTTPError) in
            guard let http = configuration.http else { return nil }
            return try HTTPServer.Configuration(
                host: http.host, port: http.port, hosts: http.hosts, tokenFile: http.tokenFile)
        }
        var catalog = try wrap { (error: ConfigurationError) in
            .configuration(error)
        } _: {
            () throws(ConfigurationError) in
            try SensorCatalog(directory: configuration.sensorsDirectory)
        }
        // last of all: a start that counts for a trial is not spent on a wrong configuration
        firmware = try StationFirmware.choose(configuration, isStart: isStart)
        catalog.add(firmware.bundle.profiles)
        self.catalog = catalog
        name = try wrap { (error: FormatError) in
            .name("\(error)")
        } _: { () throws(FormatError) in
            try StationName(configuration.stationID)
        }
        areas = try Self.areas(configuration)
        for sensor in configuration.targets.keys.sorted() where catalog[sensor] == nil {
            throw .configuration(
                ConfigurationError(problems: [
                    ConfigurationProblem(
                        file: "encoder.overrides", line: 0, key: "sensor",
                        message: "\"\(sensor)\" is described by no profile: correct the name or add the profile")
                ]))
        }
    }

    var bundle: FirmwareBundle { firmware.bundle }
    var model: CodecModel { firmware.model }

    private static func areas(_ configuration: StationConfiguration) throws(StationError) -> [String: Area] {
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
