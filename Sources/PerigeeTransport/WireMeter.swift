/// Counts the octets of ZMTP 3 that a socket's connections carry, framing included (rfc.zeromq.org/spec/23, NULL mechanism). What
/// TCP and IP add is not counted; what a dying connection swallowed unsent is, so that a saving is never flattered.
public struct WireMeter: Equatable, Sendable {
    /// Octets from here to the peer and back.
    public private(set) var sent = 0
    public private(set) var received = 0
    /// Octets of READY that each end says.
    private let ownReady: Int
    private let peerReady: Int

    /// A meter for connections between a socket of one type and peers of another.
    public init(own: SocketType, peer: SocketType) {
        ownReady = Self.readySize(own)
        peerReady = Self.readySize(peer)
    }

    /// Octets of the greeting that opens a connection, in each direction.
    public static let greetingSize = 64

    /// Octets on the wire of a message's part, or of a command, of `size` octets.
    public static func frameSize(_ size: Int) -> Int { size + (size <= 255 ? 2 : 9) }

    /// READY names the socket type, and the empty identity of types that route.
    private static func readySize(_ type: SocketType) -> Int {
        let property = { (name: String, value: Int) in 1 + name.utf8.count + 4 + value }
        let identity = type == .dealer || type == .router ? property("Identity", 0) : 0
        return frameSize(1 + "READY".utf8.count + property("Socket-Type", type.name.utf8.count) + identity)
    }

    /// Counts what a connection's event implies: our greeting once TCP stands, the rest once the peer's is read.
    public mutating func count(_ event: ConnectionEvent.Kind) {
        switch event {
        case .connected, .accepted: sent += Self.greetingSize
        case .ready:
            sent += ownReady
            received += Self.greetingSize + peerReady
        default: break
        }
    }

    /// Counts a part that was sent.
    public mutating func count(sent size: Int) { sent += Self.frameSize(size) }

    /// Counts a part that was received.
    public mutating func count(received size: Int) { received += Self.frameSize(size) }

    /// Counts ZMTP heartbeats that this end started, and their answers.
    public mutating func count(heartbeats: Int) {
        sent += heartbeats * Self.frameSize(7)  // "PING" behind its length, and a time to live of two octets
        received += heartbeats * Self.frameSize(5)
    }
}
