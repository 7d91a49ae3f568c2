internal import CZeroMQ
internal import PerigeeCore

/// How much one message may be.
public struct MessageLimit: Sendable {
    public var partCount: Int
    /// Octets of all parts together.
    public var size: Int

    /// A message of at most `partCount` parts of together `size` octets.
    public init(partCount: Int, size: Int) {
        self.partCount = partCount
        self.size = size
    }
}

/// A message, and who sent it as the handler of ZAP knows it. Both are nil where nobody was asked.
public struct IdentifiedMessage: Equatable, Sendable {
    public let parts: [[UInt8]]
    /// The name in the list that let the sender's connection in.
    public let name: String?
    /// The sender's key.
    public let key: PublicKey?
}

/// What became of a message that was given to a socket. Only `sent` means that libzmq took it, not that it arrived.
public enum SendResult: Equatable, Sendable {
    case sent
    /// The high-water mark is reached, or nobody is connected; it was not taken.
    case full
    /// A router has no peer of that name; it was not taken.
    case unroutable
}

extension Socket {
    /// Sends the parts as one message; all are taken or none. Waits up to the send timeout where `waits`.
    public mutating func send(_ parts: [[UInt8]], waits: Bool = false) throws(TransportError) -> SendResult {
        invariant(!parts.isEmpty, "a message has at least one part")
        for index in parts.indices {
            let hasMore = index < parts.count - 1
            let result = try send(parts[index], hasMore: hasMore, waits: waits)
            guard result == .sent else { return result }
        }
        return .sent
    }

    /// Sends one part; `hasMore` promises another one to follow, which is then never refused.
    public mutating func send(
        _ part: [UInt8], hasMore: Bool = false, waits: Bool = false
    ) throws(TransportError) -> SendResult {
        let flags = (hasMore ? ZMQ_SNDMORE : 0) | (waits ? 0 : ZMQ_DONTWAIT)
        while zmq_send(handle, part, part.count, flags) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return .full
            case EHOSTUNREACH: return .unroutable
            default: throw .last("send", endpoint)
            }
        }
        return .sent
    }

    /// The next message, or nil where none came: at once, or within the receive timeout where `waits`. Each part is copied once.
    /// A message beyond `limit` is read to its end without being kept, then thrown as an error; the next one is unharmed.
    public mutating func receive(limit: MessageLimit, waits: Bool = false) throws(TransportError) -> [[UInt8]]? {
        try receive(limit: limit, waits: waits) { _ in }
    }

    /// As `receive`, with the sender's name and key.
    public mutating func receiveIdentified(
        limit: MessageLimit, waits: Bool = false
    ) throws(TransportError) -> IdentifiedMessage? {
        var name: String?
        var key: PublicKey?
        let parts = try receive(limit: limit, waits: waits) { part in
            // every part of a message has the properties of its connection
            name = zmq_msg_gets(&part, "User-Id").map { String(cString: $0) }
            key = zmq_msg_gets(&part, AdmissionLoop.keyProperty).flatMap { PublicKey(text: String(cString: $0)) }
        }
        return parts.map { IdentifiedMessage(parts: $0, name: name, key: key) }
    }

    /// `look` sees the last part while libzmq still holds it.
    private mutating func receive(
        limit: MessageLimit, waits: Bool, look: (inout zmq_msg_t) -> Void
    ) throws(TransportError) -> [[UInt8]]? {
        var parts: [[UInt8]] = []
        var size = 0
        var fault: TransportError?
        var hasMore = true
        while hasMore {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            while zmq_msg_recv(&message, handle, waits ? 0 : ZMQ_DONTWAIT) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN where parts.isEmpty && fault == nil: return nil
                case EAGAIN: continue  // the other parts of a message are already here
                default: throw .last("receive", endpoint)
                }
            }
            hasMore = zmq_msg_more(&message) != 0
            if !hasMore { look(&message) }
            let count = zmq_msg_size(&message)
            if parts.count >= limit.partCount { fault = .tooManyParts(endpoint: endpoint, limit: limit.partCount) }
            if count > limit.size - size { fault = .messageTooLarge(endpoint: endpoint, limit: limit.size) }
            guard fault == nil else {
                parts = []
                continue
            }
            size += count
            parts.append(Array(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: count)))
        }
        if let fault { throw fault }
        return parts
    }
}
