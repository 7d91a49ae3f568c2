/// Identity of one life of a station's packet numbering: 16 random octets, made anew whenever numbers could repeat.
public struct Epoch: Hashable, Sendable {
    /// Octets of an epoch.
    public static let size = 16
    /// Exactly 16 octets.
    public let bytes: [UInt8]

    /// An epoch from exactly 16 octets.
    public init(bytes: some Sequence<UInt8>) throws(FormatError) {
        let octets = Array(bytes)
        guard octets.count == Self.size else {
            throw .mismatch(field: "epoch", found: "\(octets.count) octets", expected: "\(Self.size) octets")
        }
        self.bytes = octets
    }

    /// A new random epoch.
    public static func random() -> Epoch {
        var generator = SystemRandomNumberGenerator()
        return Epoch(random: &generator)
    }

    /// An epoch from a given source of randomness.
    public init(random generator: inout some RandomNumberGenerator) {
        bytes = (0..<Self.size).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// 32 hexadecimal digits.
    public var text: String { Hex.text(bytes) }
}
