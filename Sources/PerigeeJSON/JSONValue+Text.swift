extension JSONValue: CustomStringConvertible {
    /// One line of JSON text. A number that is not finite, which JSON cannot say, becomes null.
    public var description: String {
        var text = ""
        write(into: &text, lineBreak: nil)
        return text
    }

    /// JSON text for people: a line for each value, two spaces a level.
    public var indented: String {
        var text = ""
        write(into: &text, lineBreak: "\n")
        return text
    }

    /// `lineBreak`: the end of a line and the indent of this level; nil keeps everything on one line.
    private func write(into text: inout String, lineBreak: String?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.quote(value, into: &text)
        case .array(let values):
            Self.list(values, "[", "]", into: &text, lineBreak: lineBreak) { $0.write(into: &$1, lineBreak: $2) }
        case .object(let members):
            Self.list(members, "{", "}", into: &text, lineBreak: lineBreak) {
                Self.quote($0.name, into: &$1)
                $1 += ": "
                $0.value.write(into: &$1, lineBreak: $2)
            }
        }
    }

    private static func list<Item>(
        _ items: [Item], _ open: String, _ close: String, into text: inout String, lineBreak: String?,
        _ write: (Item, inout String, String?) -> Void
    ) {
        text += open
        let inner = lineBreak.map { $0 + "  " }
        for (index, item) in items.enumerated() {
            if index > 0 { text += inner == nil ? ", " : "," }
            text += inner ?? ""
            write(item, &text, inner)
        }
        if !items.isEmpty { text += lineBreak ?? "" }
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
            case _ where scalar.value < 32:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
