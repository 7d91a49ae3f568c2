/// With which keys a station connects, and which of its gateway's keys it expects: two while the gateway changes its own.
public struct ClientKeys: Equatable, Sendable {
    public let own: KeyPair
    /// The gateway's public keys; the first is tried first.
    public let servers: [PublicKey]
    private var index = 0
    /// Keys that were not yet tried since the socket was asked for.
    private var untried = 0

    /// Nil where no key of the gateway is known.
    public init?(own: KeyPair, servers: [PublicKey]) {
        guard !servers.isEmpty else { return nil }
        self.own = own
        self.servers = servers
    }

    var role: CurveRole { .client(own: own, server: servers[index]) }

    /// A socket is asked for: every key may be tried once.
    mutating func begin() { untried = servers.count - 1 }

    /// The gateway cut the greeting, as one with another key does. True where another key is worth a new socket at once.
    mutating func tryNext() -> Bool {
        guard untried > 0 else { return false }
        untried -= 1
        index = (index + 1) % servers.count
        return true
    }
}
