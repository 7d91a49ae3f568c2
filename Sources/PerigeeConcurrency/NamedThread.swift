import Glibc

/// One thread of the system that runs one function. `join` it once, or let it live as long as the process.
public final class NamedThread: @unchecked Sendable {  // `condition` guards `isDone`
    private let condition = ConditionLock()
    private var isDone = false

    /// Starts a thread. `name` shows in `top -H` (its first 15 octets); `stackSize` in octets.
    public init(_ name: String, stackSize: Int = 8 << 20, _ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackSize)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var handle = pthread_t()
        let shortName = String(decoding: name.utf8.prefix(15), as: UTF8.self)
        let start = Unmanaged.passRetained(
            Start { [self] in
                Self.rename(shortName)
                body()
                condition.withLock {
                    isDone = true
                    condition.broadcast()
                }
            })
        let code = pthread_create(
            &handle, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        pthread_attr_destroy(&attributes)
        if code != 0 { fatalError("thread \(name) does not start (error \(code)): raise the limit of tasks") }
    }

    /// Waits until the function has returned.
    public func join() {
        condition.withLock { while !isDone { _ = condition.wait() } }
    }

    /// Waits until the function has returned, at most so long; false where it has not.
    public func join(timeoutMilliseconds: Int) -> Bool {
        let deadline = monotonicNanoseconds() &+ UInt64(max(timeoutMilliseconds, 0)) &* 1_000_000
        return condition.withLock {
            while !isDone { if !condition.wait(until: deadline) { return isDone } }
            return true
        }
    }

    /// Names the calling thread. Not by `pthread_setname_np`, which Swift's Glibc module does not have.
    private static func rename(_ name: String) {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }  // only for the eye: nothing depends on it
        _ = write(file, name, name.utf8.count)
        close(file)
    }

    private final class Start {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
