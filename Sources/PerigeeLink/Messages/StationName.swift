public import PerigeeCore

/// Name of a station: 1 to 32 of `a` to `z`, `0` to `9` and `-`. Safe as a file name and as a label.
public struct StationName: Hashable, Sendable, CustomStringConvertible {
    /// The name itself.
    public let text: String

    /// Refuses names with other letters or lengths.
    public init(_ text: String) throws(FormatError) {
        let letters = text.utf8
        let isPlain = letters.allSatisfy { letter in
            (0x61...0x7A).contains(letter) || (0x30...0x39).contains(letter) || letter == 0x2D
        }
        guard isPlain, (1...32).contains(letters.count) else {
            throw .unknown(field: "station", value: "\"\(text.prefix(64))\"", expected: "1 to 32 of a-z, 0-9 and -")
        }
        self.text = text
    }

    public var description: String { text }
}
