import PerigeeCore

/// The eight random octets by which a signature names its key. Shown as minisign shows them: a little-endian number in
/// capital hexadecimal digits.
public struct SigningKeyID: Hashable, Sendable, CustomStringConvertible {
    /// Octets in a file.
    static let size = 8

    public let number: UInt64

    /// A key's number.
    public init(number: UInt64) { self.number = number }

    init(_ octets: some Collection<UInt8>) {
        number = octets.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads what `description` gives; nil where the text is no such number.
    public init?(_ text: String) {
        guard text.utf8.count == 16, let octets = Hex.bytes(text) else { return nil }
        number = octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    var octets: [UInt8] { (0..<Self.size).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) } }

    public var description: String {
        let digits = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
