import Glibc

/// A mutex with one condition: what queues and lanes wait on. Waits may wake early; test the condition again.
final class ConditionLock: @unchecked Sendable {  // the handles are made for use from many threads
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        let codes = [
            pthread_mutex_init(mutex, nil), pthread_condattr_init(&attributes),
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), pthread_cond_init(condition, &attributes),
            pthread_condattr_destroy(&attributes),
        ]
        guard codes.allSatisfy({ $0 == 0 }) else { fatalError("no mutex to be had: \(codes)") }
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func lock() {
        let code = pthread_mutex_lock(mutex)
        if code != 0 { fatalError("pthread_mutex_lock failed with \(code)") }
    }

    func unlock() {
        let code = pthread_mutex_unlock(mutex)
        if code != 0 { fatalError("pthread_mutex_unlock failed with \(code)") }
    }

    func withLock<Result>(_ body: () -> Result) -> Result {
        lock()
        defer { unlock() }
        return body()
    }

    /// Waits for `broadcast`, with the lock held; false when `deadline` (nanoseconds of the monotonic clock) has passed.
    func wait(until deadline: UInt64? = nil) -> Bool {
        guard let deadline else {
            pthread_cond_wait(condition, mutex)
            return true
        }
        var moment = timespec(
            tv_sec: Int(clamping: deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        return pthread_cond_timedwait(condition, mutex, &moment) == 0
    }

    func broadcast() { pthread_cond_broadcast(condition) }
}

/// Nanoseconds of the monotonic clock.
public func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
