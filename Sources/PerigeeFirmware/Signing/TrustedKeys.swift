/// The public keys that may sign what a station installs: the `*.pub` files of one folder.
public struct TrustedKeys: Equatable, Sendable {
    /// Files in the folder.
    public static let limit = 64

    public private(set) var keys: [SigningPublicKey]

    /// These keys.
    public init(_ keys: [SigningPublicKey]) { self.keys = keys }

    /// Reads every `*.pub` of a folder. One that is damaged is an error: a key that its owner believes to be there must be.
    public init(directory: String) throws(FirmwareError) {
        keys = []
        for name in try BundleFile.names(in: directory, limit: Self.limit) where name.hasSuffix(".pub") {
            keys.append(try Self.key(file: "\(directory)/\(name)"))
        }
    }

    /// Reads one public key file.
    public static func key(file path: String) throws(FirmwareError) -> SigningPublicKey {
        let bytes = try BundleFile.read(path, field: path, limit: MinisignText.sizeLimit)
        do throws(SignatureProblem) {
            return try SigningPublicKey(parsing: bytes)
        } catch {
            throw .signature(file: path, error)
        }
    }

    /// Checks that one of the keys signed `message`; gives that key. `file` stands in errors.
    @discardableResult
    public func verify(_ message: [UInt8], signature bytes: [UInt8], file: String) throws(FirmwareError) -> SigningKeyID
    {
        do throws(SignatureProblem) {
            let signature = try DetachedSignature(parsing: bytes)
            let candidates = keys.filter { $0.id == signature.keyID }
            var problem = SignatureProblem.unknownKey(signature.keyID)
            for key in candidates {
                do throws(SignatureProblem) {
                    try key.verify(signature, of: message)
                    return key.id
                } catch { problem = error }
            }
            throw problem
        } catch {
            throw .signature(file: file, error)
        }
    }
}
