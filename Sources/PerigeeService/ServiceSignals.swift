import Glibc

/// The signals by which a service is told things: they wait until they are asked for, on one thread, in order.
public enum ServiceSignals {
    /// Keeps them for `wait`: call first, before any thread starts. A closed pipe is an error of its call, no signal.
    public static func hold() {
        var signals = held
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Asked to end, to read the configuration anew, or to drain.
    private static var held: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { sigaddset(&signals, number) }
        return signals
    }

    /// Waits for a signal, at most so long; nil where none came.
    public static func wait(seconds: Int) -> Int32? {
        var signals = held
        var time = timespec(tv_sec: seconds, tv_nsec: 0)
        let number = sigtimedwait(&signals, nil, &time)
        return number > 0 ? number : nil
    }
}
