import Glibc
import PerigeeCore
public import PerigeeService

/// Processors that this process may use.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// The life of a station as a service: signals, status each second, the service manager.
public enum StationProcess {
    /// Keeps the signals that end the service for `wait`: call first, before any thread starts.
    public static func holdSignals() {
        var signals = stopSignals()
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
    }

    /// Why a station ended.
    public enum Ending: Sendable {
        case asked
        /// Started again, it goes on from what was committed.
        case spoolFailed
        /// Nobody checks the keys of sources any more.
        case admissionLost
    }

    /// Runs a started station until SIGTERM or SIGINT, or until it cannot go on; then stops it.
    public static func run(_ station: Station, log: ServiceLog, notifier: ServiceNotifier) -> Ending {
        station.writeStatus()
        notifier.ready(status: station.summary)
        log.write(
            .notice, "ready", ["endpoints": station.endpoints.joined(separator: ","), "epoch": station.epoch.text])
        var restarts = false
        while !restarts, !waitForStop(), station.failure == nil, !station.hasLostAdmission {
            station.writeStatus()
            notifier.status(station.summary)
            log.flush()
            restarts = station.wantsRestart()
        }
        // the manager must not take a new start for an end
        if restarts { notifier.status("starting with another firmware") } else { notifier.stopping(status: "draining") }
        _ = station.stop()
        if station.failure != nil { return .spoolFailed }
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

    /// Waits a second at most; true when the process was asked to end.
    private static func waitForStop() -> Bool {
        var signals = stopSignals()
        var second = timespec(tv_sec: 1, tv_nsec: 0)
        return sigtimedwait(&signals, nil, &second) > 0
    }

    private static func stopSignals() -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        return signals
    }
}
