internal import CZeroMQ

/// Waits for several sockets and descriptors at once.
///
/// A poller is made and used by the thread that owns its sockets, and used only while they are open.
public struct Poller {
    private var items: [zmq_pollitem_t] = []

    /// Watches nothing yet.
    public init() {}

    /// Watches for messages to receive; answers the index to ask `isReady` with.
    public mutating func add(_ socket: borrowing Socket) -> Int {
        items.append(zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
        return items.count - 1
    }

    /// Watches for the signal of another thread.
    public mutating func add(_ wakeUp: WakeUp) -> Int {
        items.append(zmq_pollitem_t(socket: nil, fd: wakeUp.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        return items.count - 1
    }

    /// Waits until one is ready, a signal handler ran, or the time is over; nil waits for ever. Answers how many are ready.
    @discardableResult
    public mutating func wait(timeoutMilliseconds: Int?) throws(TransportError) -> Int {
        let timeout = timeoutMilliseconds.map { max($0, 0) } ?? -1
        let count = zmq_poll(&items, Int32(items.count), timeout)
        if count < 0 {
            guard zmq_errno() == EINTR else { throw .last("poll", "") }
            for index in items.indices { items[index].revents = 0 }
            return 0
        }
        return Int(count)
    }

    /// Whether the last wait ended with this one ready.
    public func isReady(_ index: Int) -> Bool { items[index].revents & Int16(ZMQ_POLLIN) != 0 }
}
