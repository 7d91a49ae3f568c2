/// What is wrong with a signature or a key in minisign's format.
public enum SignatureProblem: Error, Equatable, Sendable {
    /// The text is none of the format; `line` counts from 1.
    case malformed(line: Int, expected: String)
    /// Signed without hashing first, the form that minisign calls legacy.
    case legacy
    /// There is none.
    case absent
    /// By a key that is not trusted here.
    case unknownKey(SigningKeyID)
    /// The key is trusted, but what it signed is something else.
    case wrong(SigningKeyID)
    /// The trusted comment is not the one that was signed.
    case wrongComment(SigningKeyID)
    /// The secret key is encrypted, and no password was given.
    case passwordNeeded
    /// The password does not open the secret key, or the key is damaged.
    case wrongPassword
    /// Opening the secret key would take more memory than anybody's key should.
    case tooCostly(memory: Int, limit: Int)
}

extension SignatureProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let line, let expected):
            "line \(line) is not \(expected): use the file as minisign or `perigee firmware` wrote it"
        case .legacy: "signed in the legacy form, without hashing first: sign again with `minisign -S -H`"
        case .absent: "there is no signature: sign the bundle with `perigee firmware sign`"
        case .unknownKey(let id):
            "signed by key \(id), which is not trusted here: add its public key, or sign with one that is"
        case .wrong(let id): "is not what key \(id) signed: damaged or changed, fetch it again"
        case .wrongComment(let id):
            "the trusted comment is not what key \(id) signed: damaged or changed, fetch it again"
        case .passwordNeeded: "the secret key is encrypted: give --password-file"
        case .wrongPassword: "the password does not open the secret key, or the key is damaged: give the right one"
        case .tooCostly(let memory, let limit):
            "opening it takes \(memory) octets of memory, the limit is \(limit): make a key with usual costs"
        }
    }
}
