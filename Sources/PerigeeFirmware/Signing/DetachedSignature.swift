/// What lies in a `.minisig` file: Ed25519 over the BLAKE2b-512 of a file, and over a comment that can be trusted with it.
public struct DetachedSignature: Equatable, Sendable {
    /// Octets of the text at most.
    public static let sizeLimit = MinisignText.sizeLimit
    /// Prehashed; "Ed" would be the legacy form.
    static let algorithm = Array("ED".utf8)
    static let signatureSize = 64

    public let keyID: SigningKeyID
    let signature: [UInt8]
    let commentOctets: [UInt8]
    let commentSignature: [UInt8]

    init(keyID: SigningKeyID, signature: [UInt8], commentOctets: [UInt8], commentSignature: [UInt8]) {
        self.keyID = keyID
        self.signature = signature
        self.commentOctets = commentOctets
        self.commentSignature = commentSignature
    }

    /// Reads a `.minisig` file; the legacy form is refused.
    public init(parsing bytes: [UInt8]) throws(SignatureProblem) {
        let text = try MinisignText(bytes, lineCount: 4)
        _ = try text.comment(0, prefix: MinisignText.untrustedPrefix, limit: MinisignText.commentLimit)
        let octets = try text.octets(1, size: 2 + SigningKeyID.size + Self.signatureSize, of: "a signature")
        guard !octets.starts(with: SigningPublicKey.algorithm) else { throw .legacy }
        guard octets.starts(with: Self.algorithm) else {
            throw .malformed(line: 2, expected: "a signature of algorithm ED")
        }
        self.init(
            keyID: SigningKeyID(octets[2..<10]), signature: Array(octets[10...]),
            commentOctets: try text.comment(
                2, prefix: MinisignText.trustedPrefix, limit: MinisignText.trustedCommentLimit),
            commentSignature: try text.octets(3, size: Self.signatureSize, of: "the comment's signature"))
    }

    /// Signed too, but no more than a label.
    public var trustedComment: String { String(decoding: commentOctets, as: UTF8.self) }

    /// The text of the file.
    public var text: String {
        """
        \(MinisignText.untrustedPrefix)signature of a Perigee firmware bundle
        \(MinisignText.encode(Self.algorithm + keyID.octets + signature))
        \(MinisignText.trustedPrefix)\(trustedComment)
        \(MinisignText.encode(commentSignature))

        """
    }
}
