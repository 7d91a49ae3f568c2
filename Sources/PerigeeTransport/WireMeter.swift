/// Counts the octets of ZMTP 3 that a socket's connections carry, framing included (rfc.zeromq.org/spec/23 and, where they
/// are encrypted, spec/26). What TCP and IP add is not counted; what a dying connection swallowed unsent is, so that a saving
/// is never flattered.
public struct WireMeter: Equatable, Sendable {
    /// Which end of CURVE the socket is.
    public enum CurveEnd: Sendable {
        case client, server
    }

    /// Octets from here to the peer and back.
    public private(set) var sent = 0
    public private(set) var received = 0
    /// How connections are encrypted from now on; nil where they are not.
    public var curve: CurveEnd?
    /// Octets of the properties that each end says of itself.
    private let ownProperties: Int
    private let peerProperties: Int

    /// A meter for connections between a socket of one type and peers of another.
    public init(own: SocketType, peer: SocketType, curve: CurveEnd? = nil) {
        ownProperties = Self.propertySize(own)
        peerProperties = Self.propertySize(peer)
        self.curve = curve
    }

    /// Octets of the greeting that opens a connection, in each direction.
    public static let greetingSize = 64
    /// Octets of CURVE's commands: HELLO and WELCOME, and INITIATE and READY without what they say of the socket.
    private static let hello = frameSize(200)
    private static let welcome = frameSize(168)
    private static let initiate = 257
    private static let ready = 30
    /// ERROR with the three digits of a refusal.
    private static let error = frameSize(10)
    /// What a MESSAGE of CURVE adds to a part: its name, a nonce, an authenticator, flags.
    private static let seal = 33

    /// Octets on the wire of a message's part, or of a command, of `size` octets.
    public static func frameSize(_ size: Int) -> Int { size + (size <= 255 ? 2 : 9) }

    /// The same where the connection is encrypted.
    public static func sealedFrameSize(_ size: Int) -> Int { frameSize(size + seal) }

    /// A socket names its type, and the empty identity of types that route.
    private static func propertySize(_ type: SocketType) -> Int {
        let property = { (name: String, value: Int) in 1 + name.utf8.count + 4 + value }
        let identity = type == .dealer || type == .router ? property("Identity", 0) : 0
        return property("Socket-Type", type.name.utf8.count) + identity
    }

    private func frame(_ size: Int) -> Int { curve == nil ? Self.frameSize(size) : Self.sealedFrameSize(size) }

    /// What the client sends behind its greeting, and what the server does, until messages can pass.
    private func handshake(_ client: Int, _ server: Int) -> (client: Int, server: Int) {
        (
            Self.hello + Self.frameSize(Self.initiate + client),
            Self.welcome + Self.frameSize(Self.ready + server)
        )
    }

    /// Counts what a connection's event implies: our greeting once TCP stands, the rest once the peer's is read.
    public mutating func count(_ event: ConnectionEvent.Kind) {
        switch event {
        case .connected, .accepted: sent += Self.greetingSize
        case .ready:
            received += Self.greetingSize
            switch curve {
            case nil:
                sent += Self.frameSize(6 + ownProperties)  // "READY" behind its length
                received += Self.frameSize(6 + peerProperties)
            case .client:
                let octets = handshake(ownProperties, peerProperties)
                sent += octets.client
                received += octets.server
            case .server:
                let octets = handshake(peerProperties, ownProperties)
                sent += octets.server
                received += octets.client
            }
        case .refused: countRefusal()
        case .greetingCut where curve == .client:
            // the peer has read our HELLO and could not open it
            sent += Self.hello
            received += Self.greetingSize
        default: break
        }
    }

    /// A handshake that the list ended: all of it but READY, and ERROR instead.
    private mutating func countRefusal() {
        guard let curve else { return }
        let client = Self.hello + Self.frameSize(Self.initiate + (curve == .client ? ownProperties : peerProperties))
        let server = Self.welcome + Self.error
        received += Self.greetingSize
        sent += curve == .client ? client : server
        received += curve == .client ? server : client
    }

    /// Counts a part that was sent.
    public mutating func count(sent size: Int) { sent += frame(size) }

    /// Counts a part that was received.
    public mutating func count(received size: Int) { received += frame(size) }

    /// Counts ZMTP heartbeats that this end started, and their answers.
    public mutating func count(heartbeats: Int) {
        sent += heartbeats * frame(7)  // "PING" behind its length, and a time to live of two octets
        received += heartbeats * frame(5)
    }
}
