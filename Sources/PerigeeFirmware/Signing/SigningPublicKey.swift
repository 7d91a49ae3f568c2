/// The public half of a key that signs bundles, in minisign's format.
public struct SigningPublicKey: Equatable, Sendable {
    static let algorithm = Array("Ed".utf8)
    /// Octets of the key itself.
    static let keySize = 32

    public let id: SigningKeyID
    let key: [UInt8]

    init(id: SigningKeyID, key: [UInt8]) {
        self.id = id
        self.key = key
    }

    /// Reads a public key file.
    public init(parsing bytes: [UInt8]) throws(SignatureProblem) {
        let text = try MinisignText(bytes, lineCount: 2)
        _ = try text.comment(0, prefix: MinisignText.untrustedPrefix, limit: MinisignText.commentLimit)
        let octets = try text.octets(1, size: 2 + SigningKeyID.size + Self.keySize, of: "a public key")
        guard octets.starts(with: Self.algorithm) else {
            throw .malformed(line: 2, expected: "a public key of algorithm Ed")
        }
        self.init(id: SigningKeyID(octets[2..<10]), key: Array(octets[10...]))
    }

    /// The text of the file.
    public var text: String {
        "\(MinisignText.untrustedPrefix)minisign public key \(id)\n\(line)\n"
    }

    /// The key alone, as `minisign -P` takes it.
    public var line: String { MinisignText.encode(Self.algorithm + id.octets + key) }

    /// Checks that this key signed `message`, and the trusted comment with it.
    public func verify(_ signature: DetachedSignature, of message: [UInt8]) throws(SignatureProblem) {
        guard signature.keyID == id else { throw .unknownKey(signature.keyID) }
        guard Sodium.verify(signature.signature, of: Sodium.blake2b(message, size: 64), with: key) else {
            throw .wrong(id)
        }
        guard
            Sodium.verify(signature.commentSignature, of: signature.signature + signature.commentOctets, with: key)
        else { throw .wrongComment(id) }
    }
}
