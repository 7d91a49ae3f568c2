internal import CZeroMQ

/// A public key of CURVE: 32 octets, written as 40 letters of Z85 (rfc.zeromq.org/spec/32). No secret: it may be shown.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// Its 32 octets.
    public let octets: [UInt8]

    /// Nil where there are not 32 octets.
    public init?(octets: [UInt8]) {
        guard octets.count == KeyPair.size else { return nil }
        self.octets = octets
    }

    /// Nil where the text is not exactly 40 letters of Z85.
    public init?(text: String) {
        guard let octets = Z85.octets(text) else { return nil }
        self.octets = octets
    }

    /// Its 40 letters.
    public var text: String { Z85.text(octets) }

    public var description: String { text }
}

/// A secret key of CURVE. It shows itself to nobody: neither printing nor reflection gives its octets.
public struct SecretKey: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    let octets: [UInt8]

    /// Nil where the text is not exactly 40 letters of Z85.
    init?(text: String) {
        guard let octets = Z85.octets(text) else { return nil }
        self.octets = octets
    }

    /// For its file, and nothing else.
    var text: String { Z85.text(octets) }

    public var description: String { "secret key" }

    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Both keys of one end of a connection.
public struct KeyPair: Equatable, Sendable {
    public let publicKey: PublicKey
    public let secret: SecretKey

    /// Octets of a key.
    static let size = 32

    private init?(publicText: String, secretText: String) {
        guard let publicKey = PublicKey(text: publicText), let secret = SecretKey(text: secretText) else { return nil }
        self.publicKey = publicKey
        self.secret = secret
    }

    /// A new pair out of the system's random numbers.
    public static func generate() throws(TransportError) -> KeyPair {
        var publicText = [CChar](repeating: 0, count: Z85.textSize + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0,
            let pair = KeyPair(publicText: Z85.string(publicText), secretText: Z85.string(secretText))
        else { throw .last("make keys", "") }
        return pair
    }

    /// The pair of a secret: its public key follows from it.
    public init(secret: SecretKey) throws(TransportError) {
        var publicText = [CChar](repeating: 0, count: Z85.textSize + 1)
        guard zmq_curve_public(&publicText, secret.text) == 0,
            let pair = KeyPair(publicText: Z85.string(publicText), secretText: secret.text)
        else { throw .last("make the public key of a secret", "") }
        self = pair
    }
}

/// Keys as text.
enum Z85 {
    /// Letters of a key.
    static let textSize = 40

    /// The 32 octets of 40 letters; nil where the text is not that.
    static func octets(_ text: String) -> [UInt8]? {
        guard text.utf8.count == textSize, !text.utf8.contains(0) else { return nil }
        var octets = [UInt8](repeating: 0, count: KeyPair.size)
        // the way back must give the same letters: a library that lets letters outside of Z85 pass is found out
        guard zmq_z85_decode(&octets, text) != nil, self.text(octets) == text else { return nil }
        return octets
    }

    static func text(_ octets: [UInt8]) -> String {
        var letters = [CChar](repeating: 0, count: textSize + 1)
        guard zmq_z85_encode(&letters, octets, octets.count) != nil else { return "" }
        return string(letters)
    }

    static func string(_ letters: [CChar]) -> String {
        String(decoding: letters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
