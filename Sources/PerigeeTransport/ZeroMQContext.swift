internal import CZeroMQ

/// Owns one libzmq context: one a process, shared by all its sockets. Safe to use from any thread.
///
/// Each socket holds its context. Sockets close without lingering unless their options say otherwise, so ending the last
/// reference does not wait.
public final class ZeroMQContext: @unchecked Sendable {  // libzmq's contexts are thread-safe; the pointer never changes
    let handle: UnsafeMutableRawPointer

    /// A context with `ioThreads` threads of its own; one suffices for some 100 MB/s.
    public init(ioThreads: Int = 1) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .last("make a context", "") }
        guard zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: ioThreads)) == 0 else {
            let error = TransportError.last("set the count of I/O threads", "")
            zmq_ctx_term(handle)
            throw error
        }
        self.handle = handle
    }

    deinit {
        while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }
}
