import Glibc
public import PerigeeConcurrency

/// Tells the service manager that the process is alive: only while every one of its loops turns. Where one hangs it is silent,
/// and the manager ends the process and starts it again (`WatchdogSec=`).
///
/// A loop counts as hanging after half of the manager's time, so that a stall of the machine is forgiven once.
public final class Watchdog: Sendable {
    /// What a disk may take for one call, or a lane for one frame, without being taken for a hang.
    public static let slowSeconds = 180
    /// Patience where no manager says how long it waits.
    private static let usualSeconds = 30

    private struct State: Sendable {
        var loops: [LoopProgress] = []
        var feeder: NamedThread?
    }

    private let period: UInt64?
    private let patienceSeconds: Int
    private let state = Locked(State())

    /// `microseconds`: after how long without a word the manager ends the process; nil where it does not.
    public init(microseconds: UInt64? = nil) {
        period = microseconds.flatMap { $0 > 0 ? $0 : nil }
        patienceSeconds = period.map { Int($0 / 2_000_000) } ?? Self.usualSeconds
    }

    /// Out of `WATCHDOG_USEC`, where `WATCHDOG_PID` does not name another process.
    public static func fromEnvironment() -> Watchdog {
        func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        if let owner = text("WATCHDOG_PID"), owner != "\(getpid())" { return Watchdog() }
        return Watchdog(microseconds: text("WATCHDOG_USEC").flatMap { UInt64($0) })
    }

    /// A loop that is watched from now on, until it says `end`.
    public func loop(_ name: String) -> LoopProgress {
        let progress = LoopProgress(name, patienceSeconds: patienceSeconds)
        state.withLock { $0.loops.append(progress) }
        return progress
    }

    /// Names of the loops that do not turn; empty while the process is alive.
    public var stalled: [String] { state.current.loops.filter(\.isStalled).map(\.name) }

    /// Feeds from now on, as long as the process lives; without a manager that waits it only names stalled loops in the log.
    /// Once.
    public func start(_ notifier: ServiceNotifier, log: ServiceLog) {
        let nap = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        let interval = min(period.map { Int($0 / 4_000) } ?? 1_000, 1_000)
        let thread = NamedThread("watchdog") { [self] in
            while true {
                turn(notifier, log)
                _ = nap.take(timeoutMilliseconds: interval)
            }
        }
        state.withLock { $0.feeder = thread }
    }

    /// One look at all loops, and a word if all of them turn.
    package func turn(_ notifier: ServiceNotifier, _ log: ServiceLog) {
        let stalled = stalled
        for name in stalled {
            log.write(
                .error, "loop_stalled", key: name,
                ["loop": name, "remedy": "the service manager starts the process again; report it with the log before"])
        }
        if stalled.isEmpty, period != nil { notifier.watchdog() }
    }
}
