import PerigeeCore

/// Why a firmware bundle cannot be used. Every case names the file or field.
public enum FirmwareError: Error, Equatable, Sendable {
    /// The operating system refused; `reason` is its text.
    case file(path: String, operation: String, reason: String)
    /// A size or count beyond its limit.
    case outOfRange(field: String, value: Int, limit: Int)
    /// A field that is absent or no such value.
    case unusable(field: String, found: String, expected: String)
    /// A file whose SHA-256 is not what the manifest says.
    case digest(file: String, found: [UInt8], expected: [UInt8])
    /// A signature or a key that cannot be used.
    case signature(file: String, SignatureProblem)
}

extension FirmwareError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let path, let operation, let reason):
            "\(path): \(operation) failed: \(reason): put the bundle there, or name its folder"
        case .outOfRange(let field, let value, let limit):
            "\(field) is \(value), the limit is \(limit): this is no bundle that the codec can use"
        case .unusable(let field, let found, let expected):
            "\(field) is \(found), expected \(expected): fetch the bundle again"
        case .digest(let file, let found, let expected):
            "\(file) has SHA-256 \(Hex.text(found)), the manifest says \(Hex.text(expected)): damaged, fetch the bundle again"
        case .signature(let file, let problem): "\(file): \(problem)"
        }
    }
}
