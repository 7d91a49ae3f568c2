internal import PerigeeConcurrency
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

/// Writes the status file each second, on a thread of its own so that a slow disk does not hold up the socket.
final class StatusWriter: Sendable {
    private let done = Locked(false)
    private let wakeUp: WakeUp?
    private let thread: NamedThread?

    init(path: String?, log: ServiceLog, status: @escaping @Sendable () -> GatewayStatus) {
        guard let path, let wakeUp = try? WakeUp() else {
            wakeUp = nil
            thread = nil
            return
        }
        self.wakeUp = wakeUp
        let done = done
        thread = NamedThread("status") {
            var isDone = false
            while !isDone {
                isDone = done.current
                let text = status().json(now: currentTime().utc).indented + "\n"
                if !SmallFile.write(Array(text.utf8), to: path) {
                    log.write(
                        .warning, "status_not_written", ["file": path, "remedy": "make its folder writable"])
                }
                log.flush()
                if isDone { break }
                var poller = Poller()
                _ = poller.add(wakeUp)
                _ = try? poller.wait(timeoutMilliseconds: 1_000)
            }
        }
    }

    /// Writes it a last time.
    func stop() {
        done.withLock { $0 = true }
        wakeUp?.signal()
        thread?.join()
    }
}
