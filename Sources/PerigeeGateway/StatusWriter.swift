internal import PerigeeConcurrency
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

/// Says each second how it stands, in the status file and to the service manager, on a thread of its own so that a slow disk does
/// not hold up the socket.
final class StatusWriter: Sendable {
    private let done = Locked(false)
    private let wakeUp: WakeUp?
    private let thread: NamedThread?

    init(
        path: String?, log: ServiceLog, notifier: ServiceNotifier, progress: LoopProgress,
        status: @escaping @Sendable () -> GatewayStatus
    ) {
        guard let wakeUp = try? WakeUp() else {
            wakeUp = nil
            thread = nil
            progress.end()
            return
        }
        self.wakeUp = wakeUp
        let done = done
        thread = NamedThread("status") {
            defer { progress.end() }
            var isDone = false
            while !isDone {
                isDone = done.current
                progress.allow(seconds: Watchdog.slowSeconds) {
                    let now = status()
                    if let path { Self.write(now, to: path, log) }
                    if !isDone { notifier.status(now.summary) }
                    log.flush()
                }
                if isDone { break }
                var poller = Poller()
                _ = poller.add(wakeUp)
                _ = try? poller.wait(timeoutMilliseconds: 1_000)
            }
        }
    }

    private static func write(_ status: GatewayStatus, to path: String, _ log: ServiceLog) {
        let text = status.json(now: currentTime().utc).indented + "\n"
        guard !SmallFile.write(Array(text.utf8), to: path) else { return }
        log.write(.warning, "status_not_written", ["file": path, "remedy": "make its folder writable"])
    }

    /// Writes it a last time.
    func stop() {
        done.withLock { $0 = true }
        wakeUp?.signal()
        thread?.join()
    }
}
