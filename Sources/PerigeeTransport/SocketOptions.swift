internal import CZeroMQ

/// The messaging pattern of a socket.
public enum SocketType: Sendable {
    case dealer, router, publish, subscribe, push, pull, pair, reply
    /// A publisher that receives its subscriptions as messages, and answers `.full` where `publish` would drop.
    case extendedPublish

    var code: Int32 {
        switch self {
        case .dealer: ZMQ_DEALER
        case .router: ZMQ_ROUTER
        case .publish: ZMQ_PUB
        case .extendedPublish: ZMQ_XPUB
        case .subscribe: ZMQ_SUB
        case .push: ZMQ_PUSH
        case .pull: ZMQ_PULL
        case .pair: ZMQ_PAIR
        case .reply: ZMQ_REP
        }
    }

    /// The name of ZMTP.
    var name: String {
        switch self {
        case .dealer: "DEALER"
        case .router: "ROUTER"
        case .publish: "PUB"
        case .extendedPublish: "XPUB"
        case .subscribe: "SUB"
        case .push: "PUSH"
        case .pull: "PULL"
        case .pair: "PAIR"
        case .reply: "REP"
        }
    }
}

/// What is set on a socket before it is bound or connected: most of these do nothing when they come later.
/// Nothing here is infinite by default, unlike in libzmq.
public struct SocketOptions: Sendable {
    /// Messages (not octets) that may wait for one peer; beyond it sending answers `.full`, or PUB drops.
    public var sendHighWaterMark = 64
    /// Messages that may wait to be received from one peer.
    public var receiveHighWaterMark = 64
    /// Octets of one part that a peer may send; a longer one ends its connection.
    public var partSizeLimit = 1 << 20
    /// How long `send` and `receive` wait where they are told to; nil waits for ever.
    public var sendTimeoutMilliseconds: Int? = 1_000
    public var receiveTimeoutMilliseconds: Int? = 1_000
    /// Octets on the way that ZMTP's own PING costs: one each interval; 0 sends none.
    public var heartbeatIntervalMilliseconds = 0
    /// A peer that is silent for so long after a heartbeat is cut.
    public var heartbeatTimeoutMilliseconds = 0
    /// First wait between attempts to connect, and where its doubling ends (0: it never grows).
    public var reconnectIntervalMilliseconds = 1_000
    public var reconnectIntervalLimitMilliseconds = 30_000
    /// A peer that does not finish its greeting within this time is cut.
    public var handshakeTimeoutMilliseconds = 30_000
    /// Only queues for a peer that is connected. What is queued is lost with its connection all the same.
    public var isImmediate = false
    /// A router answers `.unroutable` for a peer that is gone, where it would drop the message without a word.
    public var isMandatory = true
    /// How long a closed socket still tries to send what it took; ending the context waits for it.
    public var lingerMilliseconds = 0
    /// Connections that may wait to be accepted.
    public var backlog = 100
    /// Kernel buffers in octets; nil leaves the system's own.
    public var sendBufferSize: Int?
    public var receiveBufferSize: Int?
    /// Also uses IPv6; the wildcard then binds both.
    public var isIPv6 = false
    /// Encrypts, and proves who both ends are; nil does neither.
    public var curve: CurveRole?

    /// The defaults above.
    public init() {}

    func apply(to handle: UnsafeMutableRawPointer, type: SocketType) throws(TransportError) {
        func set(_ option: Int32, _ value: Int, _ name: String) throws(TransportError) {
            var number = Int32(clamping: value)
            guard zmq_setsockopt(handle, option, &number, MemoryLayout<Int32>.size) == 0 else {
                throw .last("set \(name) to \(value)", "")
            }
        }
        try set(ZMQ_LINGER, lingerMilliseconds, "linger")
        try set(ZMQ_SNDHWM, sendHighWaterMark, "send high-water mark")
        try set(ZMQ_RCVHWM, receiveHighWaterMark, "receive high-water mark")
        var size = Int64(partSizeLimit)
        guard zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &size, MemoryLayout<Int64>.size) == 0 else {
            throw .last("set part size limit to \(partSizeLimit)", "")
        }
        try set(ZMQ_SNDTIMEO, sendTimeoutMilliseconds ?? -1, "send timeout")
        try set(ZMQ_RCVTIMEO, receiveTimeoutMilliseconds ?? -1, "receive timeout")
        try set(ZMQ_HEARTBEAT_IVL, heartbeatIntervalMilliseconds, "heartbeat interval")
        if heartbeatTimeoutMilliseconds > 0 {
            try set(ZMQ_HEARTBEAT_TIMEOUT, heartbeatTimeoutMilliseconds, "heartbeat timeout")
        }
        try set(ZMQ_RECONNECT_IVL, reconnectIntervalMilliseconds, "reconnect interval")
        try set(ZMQ_RECONNECT_IVL_MAX, reconnectIntervalLimitMilliseconds, "reconnect interval limit")
        try set(ZMQ_HANDSHAKE_IVL, handshakeTimeoutMilliseconds, "handshake timeout")
        try set(ZMQ_IMMEDIATE, isImmediate ? 1 : 0, "immediate")
        try set(ZMQ_BACKLOG, backlog, "backlog")
        try set(ZMQ_IPV6, isIPv6 ? 1 : 0, "IPv6")
        if type == .extendedPublish { try set(ZMQ_XPUB_NODROP, 1, "no dropping") }
        if type == .router { try set(ZMQ_ROUTER_MANDATORY, isMandatory ? 1 : 0, "mandatory routing") }
        if let sendBufferSize { try set(ZMQ_SNDBUF, sendBufferSize, "send buffer") }
        if let receiveBufferSize { try set(ZMQ_RCVBUF, receiveBufferSize, "receive buffer") }
        try curve?.apply(to: handle)
    }
}
