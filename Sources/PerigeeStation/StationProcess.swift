import Glibc
import PerigeeConcurrency
import PerigeeCore
public import PerigeeService

/// Processors that this process may use.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// The life of a station as a service: signals, status each second, the service manager.
public enum StationProcess {
    /// Why a station ended.
    public enum Ending: Sendable {
        case asked
        /// Started again, it goes on from what was committed.
        case spoolFailed
        /// Nobody checks the keys of sources any more.
        case admissionLost
    }

    /// Runs a started station until SIGTERM or SIGINT, or until it cannot go on; then stops it. SIGHUP reads the configuration
    /// anew.
    public static func run(_ station: Station, log: ServiceLog, notifier: ServiceNotifier, backoff: FaultBackoff)
        -> Ending
    {
        let progress = station.watchdog.loop("status")
        station.writeStatus()
        station.watchdog.start(notifier, log: log)
        notifier.ready(status: station.summary)
        log.write(
            .notice, "ready",
            [
                "endpoints": station.endpoints.joined(separator: ","), "epoch": station.epoch.text,
                "page": station.page ?? "none",
            ])
        var restarts = false
        var turns = 0
        while !restarts, !isAskedToEnd(station, notifier), station.failure == nil, !station.hasLostAdmission {
            // files and slots lie on a disk that may be slow
            progress.allow(seconds: Watchdog.slowSeconds) {
                station.writeStatus()
                notifier.status(station.summary)
                log.flush()
                restarts = station.wantsRestart()
            }
            turns += 1
            if turns == provenSeconds { backoff.clear() }
        }
        progress.end()
        // the manager must not take a new start for an end
        if restarts { notifier.status("starting with another firmware") } else { notifier.stopping(status: "draining") }
        _ = station.stop()
        if station.failure != nil {
            backoff.noteFault()
            return .spoolFailed
        }
        if restarts { startAgain() }
        return station.hasLostAdmission ? .admissionLost : .asked
    }

    /// Becomes the same program with the same arguments: the process keeps its number, and waiting signals wait on. Comes back
    /// only where that fails; the service manager starts it then.
    private static func startAgain() {
        var words = CommandLine.arguments.map { strdup($0) }
        words.append(nil)
        execv("/proc/self/exe", words)
    }

    /// Turns after which a disk that failed before counts as good.
    private static let provenSeconds = 60

    /// Waits a second at most, and does what a signal asks; true when the process was asked to end.
    private static func isAskedToEnd(_ station: Station, _ notifier: ServiceNotifier) -> Bool {
        switch ServiceSignals.wait(seconds: 1) {
        case nil: return false
        case SIGUSR1: station.drain()
        case SIGHUP:
            notifier.reloading()
            _ = station.reload()
            station.resume()
            notifier.ready(status: station.summary)
        default: return true
        }
        return false
    }
}
