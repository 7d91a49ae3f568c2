import Glibc
import PerigeeCommandLine
import PerigeeConcurrency
import PerigeeConfig
import PerigeeGateway
import PerigeeHTTP
import PerigeeService
import PerigeeTransport

let program = Program(.perigeeGateway)
let arguments = program.argumentsOrExit(Array(CommandLine.arguments.dropFirst()))

func fail(_ code: ExitCode, _ message: String) -> Never {
    program.report(message)
    exit(code.rawValue)
}

/// The file's settings, with what the command line says instead.
func configuration() throws -> GatewayConfiguration {
    let settings =
        if let path = arguments.text("config") {
            try GatewaySettings(path: path)
        } else {
            try GatewaySettings(TomlDocument(parsing: [], name: "defaults"))
        }
    var configuration = GatewayConfiguration(
        endpoint: arguments.text("endpoint") ?? settings.endpoint,
        archiveDirectory: arguments.text("archive") ?? settings.archiveDirectory)
    configuration.keys = try GatewayKeys.load(
        secret: settings.secretFile, stations: settings.stationsDirectory,
        credentials: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) })
    try Endpoint.require(
        keys: configuration.keys != nil, isInsecure: settings.isInsecure || arguments.flag("insecure"),
        at: configuration.endpoint, field: "gateway.endpoint")
    configuration.segmentSize = settings.segmentSize
    configuration.stationLimit = settings.stationLimit
    configuration.stationWaitingSize = settings.stationWaitingSize
    configuration.stationRate = settings.stationRate
    configuration.statusFile = arguments.text("status") ?? settings.statusFile
    // a trial without a file leaves the port to the gateway that has one
    if arguments.text("config") != nil, let http = settings.http {
        configuration.http = try HTTPServer.Configuration(
            host: http.host, port: http.port, hosts: http.hosts, tokenFile: http.tokenFile)
    }
    return configuration
}

// before any thread starts, so that all of them leave these signals to the one that waits for them
ServiceSignals.hold()

let log = ServiceLog()
let notifier = ServiceNotifier.fromEnvironment()
let backoff = FaultBackoff.fromEnvironment()

do {
    let configuration = try configuration()
    guard backoff.wait(notifier, log) else { exit(ExitCode.ok.rawValue) }
    let watchdog = Watchdog.fromEnvironment()
    let start = StartWatch(notifier, doing: "opening the archive")
    let gateway: Gateway
    do {
        defer { start.end() }
        gateway = try Gateway(
            configuration, context: ZeroMQContext(), log: log, notifier: notifier, watchdog: watchdog)
    }
    watchdog.start(notifier, log: log)
    let faults = backoff
    _ = NamedThread("signals") {
        while true {
            // a disk that failed before counts as good after a minute
            switch ServiceSignals.wait(seconds: 60) {
            case nil: faults.clear()
            case SIGHUP, SIGUSR1: continue  // the list of stations is read anew by itself, and nothing is drained
            default: return gateway.stop()
            }
        }
    }
    try gateway.run()
    backoff.clear()
} catch let error as ConfigurationError {
    fail(.config, "\(error)")
} catch let error as KeyError {
    fail(.config, "\(error)")
} catch let error as HTTPError {
    fail(.config, "\(error)")
} catch GatewayError.archive(let error) {
    backoff.noteFault()
    fail(.io, "\(error)")
} catch GatewayError.transport(let error) {
    fail(.unavailable, "\(error)")
} catch GatewayError.http(let error) {
    fail(.unavailable, "\(error)")
} catch {
    fail(.internal, "\(error)")
}
