/// The secret half of a key that signs bundles. Never printed; its text goes into a file that only its owner can read.
public struct SigningSecretKey: Sendable {
    /// Octets of a secret key file at most.
    public static let sizeLimit = MinisignText.sizeLimit
    private static let check = Array("B2".utf8), scrypt = Array("Sc".utf8), noStretching: [UInt8] = [0, 0]
    private static let keySize = 64, saltSize = 32, checkSize = 32
    private static let sealedSize = SigningKeyID.size + keySize + checkSize
    /// Octets of memory that opening a key may take: what minisign itself asks for.
    static let memoryLimit = 1 << 30

    /// What it costs to try a password.
    public struct Costs: Equatable, Sendable {
        public var operations: UInt64
        /// Octets.
        public var memory: Int

        /// Costs of scrypt, as libsodium counts them.
        public init(operations: UInt64, memory: Int) {
            self.operations = operations
            self.memory = memory
        }

        /// Those of minisign: 1 GiB of memory and some seconds.
        public static let usual = Costs(operations: 33_554_432, memory: 1 << 30)
    }

    let id: SigningKeyID
    private let key: [UInt8]

    /// A new key out of random octets.
    public init() {
        id = SigningKeyID(Sodium.random(SigningKeyID.size))
        key = Sodium.keyPair().secretKey
    }

    /// The half that may be known.
    public var publicKey: SigningPublicKey {
        SigningPublicKey(id: id, key: Sodium.publicKey(of: key))
    }

    /// Reads a secret key file, encrypted or not.
    public init(parsing bytes: [UInt8], password: [UInt8]?) throws(SignatureProblem) {
        let text = try MinisignText(bytes, lineCount: 2)
        _ = try text.comment(0, prefix: MinisignText.untrustedPrefix, limit: MinisignText.commentLimit)
        let headSize = 6 + Self.saltSize + 16
        let octets = try text.octets(1, size: headSize + Self.sealedSize, of: "a secret key")
        guard Array(octets[0..<2]) == SigningPublicKey.algorithm, Array(octets[4..<6]) == Self.check else {
            throw .malformed(line: 2, expected: "a secret key of algorithms Ed and B2")
        }
        var sealed = Array(octets[headSize...])
        let isEncrypted: Bool
        switch Array(octets[2..<4]) {
        case Self.noStretching: isEncrypted = false
        case Self.scrypt:
            isEncrypted = true
            guard let password else { throw .passwordNeeded }
            let salt = Array(octets[6..<6 + Self.saltSize])
            let costs = Costs(
                operations: Self.number(octets[38..<46]), memory: Int(clamping: Self.number(octets[46..<54])))
            try Self.apply(password, salt, costs, to: &sealed)
        default: throw .malformed(line: 2, expected: "a secret key, encrypted by scrypt or not at all")
        }
        let pair = Array(sealed[..<(sealed.count - Self.checkSize)])
        let check = Array(sealed[(sealed.count - Self.checkSize)...])
        // minisign leaves the checksum of an unencrypted key zero
        let isUnchecked = !isEncrypted && check.allSatisfy { $0 == 0 }
        guard isUnchecked || check == Self.checksum(pair) else { throw .wrongPassword }
        id = SigningKeyID(pair[..<SigningKeyID.size])
        key = Array(pair[SigningKeyID.size...])
        guard Sodium.publicKey(of: key) == Array(key[32...]) else { throw .wrongPassword }
    }

    /// The text of its file: encrypted where there is a password.
    public func text(password: [UInt8]?, costs: Costs = .usual) throws(SignatureProblem) -> String {
        var sealed = id.octets + key
        sealed += Self.checksum(sealed)
        var head = SigningPublicKey.algorithm
        if let password {
            let salt = Sodium.random(Self.saltSize)
            try Self.apply(password, salt, costs, to: &sealed)
            head += Self.scrypt + Self.check + salt + Self.octets(costs.operations) + Self.octets(UInt64(costs.memory))
        } else {
            head += Self.noStretching + Self.check + [UInt8](repeating: 0, count: Self.saltSize + 16)
        }
        let kind = password == nil ? "unencrypted" : "encrypted"
        return "\(MinisignText.untrustedPrefix)minisign \(kind) secret key\n\(MinisignText.encode(head + sealed))\n"
    }

    /// Signs `message` and `trustedComment`; nil where the comment cannot stand on one line of minisign's.
    public func sign(_ message: [UInt8], trustedComment: String) -> DetachedSignature? {
        let comment = Array(trustedComment.utf8)
        guard comment.count <= MinisignText.trustedCommentLimit, MinisignText.isPrintable(comment) else { return nil }
        let signature = Sodium.sign(Sodium.blake2b(message, size: 64), with: key)
        return DetachedSignature(
            keyID: id, signature: signature, commentOctets: comment,
            commentSignature: Sodium.sign(signature + comment, with: key))
    }

    private static func checksum(_ pair: [UInt8]) -> [UInt8] {
        Sodium.blake2b(SigningPublicKey.algorithm + pair, size: checkSize)
    }

    private static func apply(
        _ password: [UInt8], _ salt: [UInt8], _ costs: Costs, to sealed: inout [UInt8]
    ) throws(SignatureProblem) {
        guard costs.memory <= memoryLimit, costs.operations <= Costs.usual.operations else {
            throw .tooCostly(memory: costs.memory, limit: memoryLimit)
        }
        let stream = Sodium.stretch(
            password, salt: salt, size: sealed.count, operations: costs.operations, memory: costs.memory)
        guard let stream else { throw .tooCostly(memory: costs.memory, limit: memoryLimit) }
        for index in sealed.indices { sealed[index] ^= stream[index] }
    }

    private static func number(_ octets: ArraySlice<UInt8>) -> UInt64 {
        octets.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func octets(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
}
