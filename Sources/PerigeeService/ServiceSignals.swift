import Glibc
import Synchronization

/// The thread that asks for signals.
private let waiter = Atomic<UInt>(0)

/// The signals by which a service is told things: they wait until they are asked for, on one thread, in order.
public enum ServiceSignals {
    /// Asked to end, to read the configuration anew, or to drain.
    private static let numbers = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]

    /// Keeps them for `wait`: call first, before any thread starts. A closed pipe is an error of its call, no signal.
    public static func hold() {
        waiter.store(pthread_self(), ordering: .relaxed)
        var signals = held
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        // A library may have begun a thread before, as OpenBLAS does when it is loaded. It holds nothing back, and while nobody
        // waits the kernel gives it what it would end the process with: it is passed on instead.
        for number in numbers { signal(number) { pthread_kill(waiter.load(ordering: .relaxed), $0) } }
        signal(SIGPIPE, SIG_IGN)
    }

    private static var held: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        return signals
    }

    /// Waits for a signal, at most so long; nil where none came.
    public static func wait(seconds: Int) -> Int32? {
        waiter.store(pthread_self(), ordering: .relaxed)
        var signals = held
        var time = timespec(tv_sec: seconds, tv_nsec: 0)
        let number = sigtimedwait(&signals, nil, &time)
        return number > 0 ? number : nil
    }
}
