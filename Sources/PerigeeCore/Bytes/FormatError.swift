/// Why octets could not be read as what they claim to be. Every case names the field.
public enum FormatError: Error, Equatable, Sendable {
    /// The octets end before the field does.
    case truncated(field: String, needed: Int, available: Int)
    /// The value is outside of what the format or a configured limit allows.
    case outOfRange(field: String, value: Int, limit: Int)
    /// The value is none of those that the format knows.
    case unknown(field: String, value: String, expected: String)
    /// Two fields contradict each other.
    case mismatch(field: String, found: String, expected: String)
    /// A checksum does not fit its octets: they were damaged.
    case checksum(field: String, found: UInt32, computed: UInt32)
}

extension FormatError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let field, let needed, let available):
            "\(field) needs \(needed) octets, \(available) are left: the input is cut short, send it again"
        case .outOfRange(let field, let value, let limit):
            "\(field) is \(value), the limit is \(limit): make it smaller or raise the limit"
        case .unknown(let field, let value, let expected):
            "\(field) is \(value), expected \(expected)"
        case .mismatch(let field, let found, let expected):
            "\(field) is \(found), but the rest of the input says \(expected): correct the sender"
        case .checksum(let field, let found, let computed):
            "\(field) is \(Hex.text(found)), the octets give \(Hex.text(computed)): damaged, fetch it again"
        }
    }
}
