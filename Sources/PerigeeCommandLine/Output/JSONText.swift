/// JSON to print: keys stay in the order given, numbers that JSON has no word for become null.
public enum JSONText: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case array([JSONText])
    case object([Member])

    /// A key and its value.
    public struct Member: Sendable, Equatable {
        public let key: String
        public let value: JSONText

        /// A member of an object.
        public init(_ key: String, _ value: JSONText) {
            self.key = key
            self.value = value
        }
    }

    /// An object from pairs; the order stays.
    public static func object(_ pairs: KeyValuePairs<String, JSONText>) -> JSONText {
        .object(pairs.map { Member($0.key, $0.value) })
    }

    /// A text, or null.
    public static func optional(_ text: String?) -> JSONText { text.map { .text($0) } ?? .null }

    /// A number, or null.
    public static func optional(_ number: Double?) -> JSONText { number.map { .number($0) } ?? .null }

    /// The JSON text; indented by two spaces a level, or on one line.
    public func text(isPretty: Bool = true) -> String {
        var text = ""
        write(into: &text, indent: isPretty ? "\n" : nil)
        return text
    }

    private func write(into text: inout String, indent: String?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value):
            if !value.isFinite {
                text += "null"
            } else if value == value.rounded(), abs(value) < 1e15 {
                text += String(Int(value))
            } else {
                text += "\(value)"
            }
        case .text(let value): Self.quote(value, into: &text)
        case .array(let values):
            Self.list(values, "[", "]", into: &text, indent: indent) { $0.write(into: &$1, indent: $2) }
        case .object(let members):
            Self.list(members, "{", "}", into: &text, indent: indent) {
                Self.quote($0.key, into: &$1)
                $1 += $2 == nil ? ":" : ": "
                $0.value.write(into: &$1, indent: $2)
            }
        }
    }

    private static func list<Item>(
        _ items: [Item], _ open: String, _ close: String, into text: inout String, indent: String?,
        _ write: (Item, inout String, String?) -> Void
    ) {
        text += open
        let inner = indent.map { $0 + "  " }
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            text += inner ?? ""
            write(item, &text, inner)
        }
        if !items.isEmpty { text += indent ?? "" }
        text += close
    }

    private static func quote(_ value: String, into text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            default:
                if scalar.value < 0x20 {
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
