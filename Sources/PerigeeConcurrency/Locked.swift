#if PERIGEE_TSAN
    import Glibc
#else
    import Synchronization
#endif

/// A value behind a lock. Hold it for a few lines: no callback, IO or log inside.
///
/// `Mutex` in normal builds; `pthread_mutex_t` under `-DPERIGEE_TSAN`, since ThreadSanitizer on Linux reports races through
/// `Mutex` that are none.
public final class Locked<Value: Sendable>: @unchecked Sendable {  // `storage` guards the value
    #if PERIGEE_TSAN
        private let lock = ConditionLock()
        private var value: Value

        /// Guards `value` from here on.
        public init(_ value: Value) { self.value = value }

        /// Runs `body` with the value while no other thread can.
        public func withLock<Result: Sendable, Failure: Error>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            lock.lock()
            defer { lock.unlock() }
            return try body(&value)
        }
    #else
        private let storage: Mutex<Value>

        /// Guards `value` from here on.
        public init(_ value: Value) { storage = Mutex(value) }

        /// Runs `body` with the value while no other thread can.
        public func withLock<Result: Sendable, Failure: Error>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try storage.withLock { (value: inout sending Value) throws(Failure) -> Result in try body(&value) }
        }
    #endif

    /// A copy of the value.
    public var current: Value { withLock { $0 } }
}
