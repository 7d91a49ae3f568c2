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
    let source = ConfigurationSource(path: arguments.text("config"), overrides: arguments.texts("set"))
    let settings = try source.read(GatewaySettings.self)
    let keys = try GatewayKeys.load(
        secret: settings.secretFile, stations: settings.stationsDirectory,
        credentials: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) })
    try Endpoint.require(
        keys: keys != nil, isInsecure: settings.isInsecure, at: settings.endpoint, field: "gateway.endpoint")
    var configuration = GatewayConfiguration(settings, from: source, keys: keys)
    // a trial without a file leaves the port to the gateway that has one
    if source.path != nil, let http = settings.http {
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
    if arguments.flag("check") {
        Terminal.print("configuration and keys are good")
        exit(ExitCode.ok.rawValue)
    }
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
            case SIGHUP: gateway.reload()
            case SIGUSR1: continue  // nothing is drained here
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
