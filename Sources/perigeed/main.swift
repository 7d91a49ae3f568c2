import Glibc
import PerigeeCommandLine
import PerigeeConfig
import PerigeeService
import PerigeeSpool
import PerigeeStation

ServiceSignals.hold()
let program = Program(.perigeed)
let arguments = program.argumentsOrExit(Array(CommandLine.arguments.dropFirst()))

/// Starts and runs the station; the code says how it ended.
func run() throws -> ExitCode {
    let parts: StationParts
    do {
        let source = ConfigurationSource(path: arguments.text("config"), overrides: arguments.texts("set"))
        parts = try StationParts(
            source.read(StationConfiguration.self), from: source,
            credentials: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) },
            isStart: !arguments.flag("check"))
    } catch {
        throw CommandFailure(.config, "\(error)")
    }
    if arguments.flag("check") {
        Terminal.print("configuration, sensors and firmware (\(parts.firmwareText)) are good")
        return .ok
    }
    let log = ServiceLog()
    let notifier = ServiceNotifier.fromEnvironment()
    let backoff = FaultBackoff.fromEnvironment()
    guard backoff.wait(notifier, log) else { return .ok }
    let station: Station
    do {
        let start = StartWatch(notifier, doing: "opening the spool")
        defer { start.end() }
        station = try Station(parts, log: log, watchdog: .fromEnvironment())
    } catch StationError.spool(let error) {
        if case .version(_, _, _) = error { throw CommandFailure(.config, "\(error)") }
        backoff.noteFault()
        throw CommandFailure(.io, "\(error)")
    } catch {
        throw CommandFailure(.unavailable, "\(error)")
    }
    return switch StationProcess.run(station, log: log, notifier: notifier, backoff: backoff) {
    case .asked: .ok
    case .spoolFailed: .io
    case .admissionLost: .internal
    }
}

await program.finish { try run() }
