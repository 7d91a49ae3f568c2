import CSodium

/// The frame of minisign's files: lines of comments and of Base64. Every file is at most `sizeLimit` octets.
struct MinisignText {
    /// Octets of a file: minisign's largest comments and the Base64.
    static let sizeLimit = 12 << 10
    /// Octets of an untrusted and of a trusted comment.
    static let commentLimit = 1_023, trustedCommentLimit = 8_191
    static let untrustedPrefix = "untrusted comment: "
    static let trustedPrefix = "trusted comment: "

    private let lines: [ArraySlice<UInt8>]

    /// Splits a file with exactly `count` lines; the last needs no line break.
    init(_ bytes: [UInt8], lineCount count: Int) throws(SignatureProblem) {
        guard bytes.count <= Self.sizeLimit else {
            throw .malformed(line: 1, expected: "in a file of at most \(Self.sizeLimit) octets")
        }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
        if lines.count == count + 1, lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count == count else {
            throw .malformed(line: min(lines.count, count + 1), expected: "the last of \(count)")
        }
        self.lines = lines
    }

    /// The text behind `prefix` in a line, which counts from 0.
    func comment(_ line: Int, prefix: String, limit: Int) throws(SignatureProblem) -> [UInt8] {
        let octets = lines[line]
        guard octets.starts(with: prefix.utf8) else { throw .malformed(line: line + 1, expected: "\"\(prefix)…\"") }
        let comment = Array(octets.dropFirst(prefix.utf8.count))
        guard comment.count <= limit, Self.isPrintable(comment) else {
            throw .malformed(line: line + 1, expected: "at most \(limit) octets of printable UTF-8")
        }
        return comment
    }

    /// The octets that a line spells, exactly `size` of them.
    func octets(_ line: Int, size: Int, of what: String) throws(SignatureProblem) -> [UInt8] {
        guard let octets = Self.decode(lines[line], size: size) else {
            throw .malformed(line: line + 1, expected: "\(what): \(size) octets in Base64")
        }
        return octets
    }

    static func isPrintable(_ comment: [UInt8]) -> Bool {
        String(validating: comment, as: UTF8.self) != nil
            && !comment.contains { $0 < 32 && $0 != UInt8(ascii: "\t") || $0 == 127 }
    }

    static func encode(_ bytes: [UInt8]) -> String {
        let variant = sodium_base64_VARIANT_ORIGINAL
        let size = sodium_base64_encoded_len(bytes.count, variant)
        var text = [CChar](repeating: 0, count: size)
        _ = sodium_bin2base64(&text, size, bytes, bytes.count, variant)
        // without the zero at its end
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func decode(_ text: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: size)
        var made = 0
        let characters = text.map { CChar(bitPattern: $0) }
        let status = sodium_base642bin(
            &octets, size, characters, characters.count, nil, &made, nil, sodium_base64_VARIANT_ORIGINAL)
        // libsodium 1.0.18 also takes a slash whose highest bit is set, so what was read is written again
        return status == 0 && made == size && encode(octets).utf8.elementsEqual(text) ? octets : nil
    }
}
