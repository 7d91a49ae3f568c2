internal import PerigeeConcurrency
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

/// Looks at the gateway each second, and says how it stands in the status file and to the service manager, on a thread of its own so that a slow
/// disk does not hold up the socket.
final class StatusWriter: Sendable {
    private let done = Locked(false)
    private let wakeUp: WakeUp?
    private let thread: NamedThread

    /// `path` nil: nothing is written, but looked at all the same.
    init(
        path: String?, observer: GatewayObserver, log: ServiceLog, notifier: ServiceNotifier, progress: LoopProgress,
        status: @escaping @Sendable () -> GatewayStatus
    ) {
        let wakeUp = try? WakeUp()
        self.wakeUp = wakeUp
        let done = done
        thread = NamedThread("status") {
            defer { progress.end() }
            var isDone = false
            while !isDone {
                isDone = done.current
                progress.allow(seconds: Watchdog.slowSeconds) {
                    let observation = observer.look(status())
                    if let path { Self.write(observation, to: path, log) }
                    if !isDone { notifier.status(observation.status.summary) }
                    log.flush()
                }
                if isDone { break }
                var poller = Poller()
                if let wakeUp { _ = poller.add(wakeUp) }
                _ = try? poller.wait(timeoutMilliseconds: 1_000)
            }
        }
    }

    private static func write(_ observation: GatewayObservation, to path: String, _ log: ServiceLog) {
        let text = observation.json.indented + "\n"
        guard !SmallFile.write(Array(text.utf8), to: path) else { return }
        log.write(.warning, "status_not_written", ["file": path, "remedy": "make its folder writable"])
    }

    /// Writes it a last time.
    func stop() {
        done.withLock { $0 = true }
        wakeUp?.signal()
        thread.join()
    }
}
