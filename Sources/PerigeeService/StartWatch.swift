import Glibc
import PerigeeConcurrency

/// Looks after a start that takes long, such as the recovery of a large file: as long as the thread that starts gets work done,
/// the service manager is asked for more time, and told how long it goes on.
public final class StartWatch: Sendable {
    private static let intervalMilliseconds = 5_000
    /// What each word asks for: several words may be lost.
    private static let extensionSeconds = 60

    private let done = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
    private let thread: NamedThread

    /// Begins to look after the calling thread. `doing` is for people: `opening the spool`. The process may be one that was
    /// running before (it became another program), so its watchdog is fed too.
    public init(_ notifier: ServiceNotifier, doing: String) {
        let done = done
        var clock = clockid_t()
        pthread_getcpuclockid(pthread_self(), &clock)
        let worker = clock
        let progress = LoopProgress("start", patienceSeconds: Watchdog.slowSeconds)
        thread = NamedThread("start") {
            var last = Self.time(worker)
            var seconds = 0
            repeat {
                guard !progress.isStalled else { continue }
                notifier.extendTimeout(seconds: Self.extensionSeconds, status: "\(doing), \(seconds) s")
                notifier.watchdog()
                let now = Self.time(worker)
                // a thread that waits in one call uses none; a slow disk may take its time
                if now > last { progress.note() }
                last = now
                seconds += Self.intervalMilliseconds / 1_000
            } while done.take(timeoutMilliseconds: Self.intervalMilliseconds) == nil
        }
    }

    /// The start is over, whatever came of it.
    public func end() {
        _ = done.offer(true, size: 0)
        thread.join()
    }

    /// Processor time of a thread, nanoseconds.
    private static func time(_ clock: clockid_t) -> UInt64 {
        var used = timespec()
        clock_gettime(clock, &used)
        return UInt64(used.tv_sec) * 1_000_000_000 + UInt64(used.tv_nsec)
    }
}
