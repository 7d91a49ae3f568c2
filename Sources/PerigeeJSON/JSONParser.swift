/// Why text is not JSON, and at which octet.
public struct JSONError: Error, Equatable, Sendable {
    public let offset: Int
    public let problem: String
}

/// Reads JSON out of untrusted octets: depth is limited, sizes are those of the input.
///
/// Not Foundation's, which has no limit of depth, turns whole numbers and truth values into each other, and does not say
/// where the text went wrong.
struct JSONParser {
    private let bytes: ArraySlice<UInt8>
    private let depthLimit: Int
    private var position: Int

    private init(_ bytes: ArraySlice<UInt8>, depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        position = bytes.startIndex
    }

    static func parse(_ bytes: ArraySlice<UInt8>, depthLimit: Int) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes, depthLimit: depthLimit)
        let value = try parser.value(depth: 1)
        parser.skipSpace()
        guard parser.peek == nil else { throw parser.error("more text behind the value") }
        return value
    }

    private var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private func error(_ problem: String) -> JSONError {
        JSONError(offset: position - bytes.startIndex, problem: problem)
    }

    private mutating func skipSpace() {
        while let octet = peek, octet == 32 || octet == 9 || octet == 10 || octet == 13 { position += 1 }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= depthLimit else { throw error("deeper than \(depthLimit) levels") }
        skipSpace()
        switch peek {
        case nil: throw error("the text ends where a value should stand")
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case .some(let octet) where octet == UInt8(ascii: "-") || Self.isDigit(octet): return try number()
        default: return try word()
        }
    }

    private mutating func word() throws(JSONError) -> JSONValue {
        for (text, value) in [("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false))]
        where bytes[position...].starts(with: text.utf8) {
            position += text.utf8.count
            return value
        }
        for text in ["NaN", "Infinity", "-Infinity"] where bytes[position...].starts(with: text.utf8) {
            throw error("\(text) is no JSON: write null, or \"nan\" for nodata")
        }
        throw error("no value begins so")
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("a name in quotation marks should stand here") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon should stand here") }
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw error("a comma or } should stand here") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw error("a comma or ] should stand here") }
        }
    }

    private mutating func take(_ octet: UInt8) -> Bool {
        guard peek == octet else { return false }
        position += 1
        return true
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let isZero = peek == UInt8(ascii: "0")
        let count = digits()
        guard count == 1 || (count > 1 && !isZero) else { throw error("no number") }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard digits() > 0 else { throw error("digits should stand behind the point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw error("digits should stand in the exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let whole = Int(text) { return .integer(whole) }
        guard let value = Double(text), value.isFinite else { throw error("a number beyond 64 bits") }
        return .number(value)
    }

    private static func isDigit(_ octet: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) }

    private mutating func digits() -> Int {
        let start = position
        while let octet = peek, Self.isDigit(octet) { position += 1 }
        return position - start
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var octets: [UInt8] = []
        while let octet = peek {
            switch octet {
            case UInt8(ascii: "\""):
                position += 1
                guard let text = String(validating: octets, as: UTF8.self) else {
                    throw error("text that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &octets)
            case 0..<32: throw error("a control character inside of a text")
            default:
                octets.append(octet)
                position += 1
            }
        }
        throw error("the text ends inside of quotation marks")
    }

    private mutating func escape(into octets: inout [UInt8]) throws(JSONError) {
        position += 1
        guard let octet = peek else { throw error("the text ends inside of quotation marks") }
        position += 1
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): octets.append(octet)
        case UInt8(ascii: "b"): octets.append(8)
        case UInt8(ascii: "f"): octets.append(12)
        case UInt8(ascii: "n"): octets.append(10)
        case UInt8(ascii: "r"): octets.append(13)
        case UInt8(ascii: "t"): octets.append(9)
        case UInt8(ascii: "u"): octets.append(contentsOf: Array(String(try scalar()).utf8))
        default: throw error("no escape begins so")
        }
    }

    /// The character behind `\u`, of two escapes where the first is half of a pair.
    private mutating func scalar() throws(JSONError) -> Character {
        let high = try hexadecimal()
        if (0xD800..<0xDC00).contains(high) {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw error("half of a surrogate pair") }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00))
            else { throw error("half of a surrogate pair") }
            return Character(scalar)
        }
        guard let scalar = Unicode.Scalar(high) else { throw error("half of a surrogate pair") }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard bytes.endIndex - position >= 4 else { throw error("four hexadecimal digits should stand here") }
        var value: UInt32 = 0
        for octet in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(octet)).hexDigitValue else {
                throw error("four hexadecimal digits should stand here")
            }
            value = value * 16 + UInt32(digit)
        }
        position += 4
        return value
    }
}

extension JSONValue {
    /// Reads one value and nothing behind it; nested at most `depthLimit` deep.
    public init(parsing bytes: ArraySlice<UInt8>, depthLimit: Int) throws(JSONError) {
        self = try JSONParser.parse(bytes, depthLimit: depthLimit)
    }
}
