/// Reads a document by a table of keys, and collects everything that is wrong with it.
struct KeyReader {
    let file: String
    private(set) var problems: [ConfigurationProblem] = []

    init(file: String) { self.file = file }

    /// The values of all keys: those that are absent or wrong have their defaults.
    mutating func read(_ table: TomlValue, keys: [Key], prefix: String = "") -> KeyValues {
        var values = KeyValues()
        for key in keys { values.set(key.path, key.fallback, line: 0) }
        var seen: Set<String> = []
        visit(table, keys: keys, path: "", prefix: prefix, seen: &seen, values: &values)
        for key in keys where key.isNeeded && !seen.contains(key.path) {
            add(table.line, prefix + key.path, "is missing: add it; \(key.help)")
        }
        return values
    }

    mutating func add(_ line: Int, _ key: String, _ message: String) {
        let isOverride = line == TomlValue.overrideLine
        problems.append(
            ConfigurationProblem(
                file: isOverride ? "--set" : file, line: max(line, 0), key: key, message: message))
    }

    private mutating func visit(
        _ table: TomlValue, keys: [Key], path: String, prefix: String, seen: inout Set<String>, values: inout KeyValues
    ) {
        guard case .table(let members) = table.content else { return }
        for member in members {
            let name = path + member.name
            if let key = keys.first(where: { $0.path == name }) {
                seen.insert(name)
                if let value = value(member.value, key.kind, key: prefix + name) {
                    values.set(name, value, line: member.value.line)
                }
            } else if keys.contains(where: { $0.path.hasPrefix(name + ".") }) {
                if case .table = member.value.content {
                    visit(member.value, keys: keys, path: name + ".", prefix: prefix, seen: &seen, values: &values)
                } else {
                    add(member.value.line, prefix + name, "is a value, must be a table: write [\(prefix + name)]")
                }
            } else {
                unknown(name, line: member.value.line, keys: keys, prefix: prefix)
            }
        }
    }

    private mutating func unknown(_ name: String, line: Int, keys: [Key], prefix: String) {
        // A name may stand for a key or for one of the tables above a key.
        var names: Set<String> = []
        for key in keys {
            let parts = key.path.split(separator: ".")
            for count in 1...max(parts.count, 1) { names.insert(parts.prefix(count).joined(separator: ".")) }
        }
        let last = name.split(separator: ".").last.map(String.init) ?? name
        let nearest = names.sorted().map { candidate in
            let tail = candidate.split(separator: ".").last.map(String.init) ?? candidate
            return (candidate, min(Self.distance(name, candidate), Self.distance(last, tail) + 1))
        }.min { $0.1 < $1.1 }
        let hint =
            if let nearest, nearest.1 <= max(2, last.count / 3) { "did you mean \(prefix)\(nearest.0)?" } else {
                "remove it"
            }
        add(line, prefix + name, "is no key of this file: \(hint)")
    }

    private mutating func value(_ value: TomlValue, _ kind: Key.Kind, key: String) -> KeyValue? {
        switch (kind, value.content) {
        case (.text(let choices), .string(let text)):
            if !choices.isEmpty, !choices.contains(text) {
                let list = choices.map { "\"\($0)\"" }.joined(separator: ", ")
                add(value.line, key, "is \"\(Self.shortened(text))\", must be one of \(list)")
                return nil
            }
            guard text.utf8.count <= 1_024 else {
                add(value.line, key, "has \(text.utf8.count) octets, must have at most 1,024: shorten it")
                return nil
            }
            return .text(text)
        case (.integer(let range), .integer(let number)): return integer(number, range, value.line, key)
        case (.size(let range), .integer(let number)): return integer(number, range, value.line, key)
        case (.size(let range), .string(let text)):
            guard let octets = Self.octets(text) else { break }
            return integer(octets, range, value.line, key)
        case (.number(let range), .integer(let number)): return self.number(Double(number), range, value.line, key)
        case (.number(let range), .number(let number)): return self.number(number, range, value.line, key)
        case (.ratio, .string(let text)):
            guard let ratio = Self.ratio(text) else { break }
            return .number(ratio)
        case (.boolean, .boolean(let flag)): return .boolean(flag)
        case (.texts, .array(let items)):
            let texts = items.compactMap { if case .string(let text) = $0.content { text } else { nil } }
            guard texts.count == items.count else { break }
            return .texts(texts)
        case (.tables(let keys), .array(let items)): return tables(items, keys: keys, line: value.line, key: key)
        default: break
        }
        add(value.line, key, "is \(Self.text(value.content)), must be \(kind.expectation)")
        return nil
    }

    private mutating func tables(_ items: [TomlValue], keys: [Key], line: Int, key: String) -> KeyValue? {
        var tables: [KeyValues] = []
        for (index, item) in items.enumerated() {
            guard case .table = item.content else {
                add(
                    item.line, "\(key)[\(index)]",
                    "is \(Self.text(item.content)), must be a table: write { name = value }")
                return nil
            }
            tables.append(read(item, keys: keys, prefix: "\(key)[\(index)]."))
        }
        return .tables(tables)
    }

    private mutating func integer(_ number: Int64, _ range: ClosedRange<Int>, _ line: Int, _ key: String) -> KeyValue? {
        guard let value = Int(exactly: number), range.contains(value) else {
            add(line, key, "is \(number), must be \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return .integer(value)
    }

    private mutating func number(_ number: Double, _ range: ClosedRange<Double>, _ line: Int, _ key: String)
        -> KeyValue?
    {
        guard range.contains(number) else {
            add(line, key, "is \(number), must be \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return .number(number)
    }
}

extension KeyReader {
    /// Octets out of text such as "64 KiB"; nil where it is none or beyond 64 bits.
    static func octets(_ text: String) -> Int64? {
        let units: [(String, Int64)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count).drop { $0 == " " }
            let trimmed = String(digits.reversed().drop { $0 == " " }.reversed())
            guard !trimmed.isEmpty, trimmed.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int64(trimmed) else {
                return nil
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        return nil
    }

    /// A ratio out of text such as "300x", from 1 to a million; 0 for "lossless".
    static func ratio(_ text: String) -> Double? {
        if text == "lossless" { return 0 }
        guard text.hasSuffix("x"), let value = Double(text.dropLast()), value.isFinite, (1...1e6).contains(value) else {
            return nil
        }
        return value
    }

    /// Edits from one name to the other (Levenshtein).
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.unicodeScalars)
        var row = Array(0...right.count)
        for (index, character) in left.unicodeScalars.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let cost = diagonal + (right[column] == character ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(cost, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }

    private static func shortened(_ text: String) -> String { text.count > 64 ? String(text.prefix(61)) + "..." : text }

    private static func text(_ content: TomlValue.Content) -> String {
        switch content {
        case .string(let text): "\"\(shortened(text))\""
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .boolean(let value): "\(value)"
        case .array: "a list"
        case .table: "a table"
        case .other: "a date or time"
        }
    }
}
