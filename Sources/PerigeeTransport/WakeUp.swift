internal import CZeroMQ
internal import Glibc

/// Wakes a thread out of its poll, from any thread. An eventfd: signals before the thread looks count once.
public final class WakeUp: Sendable {
    let descriptor: Int32

    /// A wake-up that was not signalled.
    public init() throws(TransportError) {
        descriptor = perigee_eventfd()
        guard descriptor >= 0 else {
            throw .call(
                operation: "make a wake-up", endpoint: "eventfd", code: errno, reason: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    /// Makes the poll that watches this return; cheap, never waits.
    public func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Forgets the signals so far; the watching thread calls it before it looks at what they announced.
    public func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
