import PerigeeCore

/// One key of a configuration file: what it may be, what it is by default, what it is for.
public struct Key: Sendable {
    /// What a value may be.
    public indirect enum Kind: Sendable {
        /// Text of 1 to 1,024 octets, one of `choices` where there are any.
        case text(choices: [String] = [])
        case texts
        case integer(ClosedRange<Int>)
        /// Octets: an integer, or text such as "64 KiB", "256 MiB", "2 GiB".
        case size(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        /// Text such as "300x": raw octets over all octets sent. Also "lossless", which reads as 0.
        case ratio
        case boolean
        /// A list of tables, each with these keys.
        case tables([Key])
    }

    /// When a changed value counts.
    public enum Change: Sendable {
        /// From the next SIGHUP on.
        case atReload
        /// From the next start of the daemon on.
        case atStart
    }

    /// Tables and name, with points between, for example `limits.frame_bytes`.
    public let path: String
    public let kind: Kind
    /// Value where the file says nothing.
    public let fallback: KeyValue
    /// The file must have it.
    public let isNeeded: Bool
    public let change: Change
    /// One line without a full stop at its end.
    public let help: String

    /// A key that may be left out; `fallback` is nil where absence has its own meaning.
    public init(
        _ path: String, _ kind: Kind, _ fallback: KeyValue?, _ help: String, _ change: Change = .atStart
    ) {
        self.path = path
        self.kind = kind
        self.fallback = fallback ?? .absent
        self.change = change
        isNeeded = false
        self.help = help
    }

    /// A key that must be given.
    public init(needed path: String, _ kind: Kind, _ help: String) {
        self.path = path
        self.kind = kind
        fallback = .absent
        change = .atStart
        isNeeded = true
        self.help = help
    }
}

/// The value of a key, checked.
public enum KeyValue: Equatable, Sendable {
    case absent
    case text(String)
    case texts([String])
    /// Also of sizes.
    case integer(Int)
    /// Also of ratios.
    case number(Double)
    case boolean(Bool)
    case tables([KeyValues])
}

/// The values of one table of keys; equal where the values are, wherever they stand. Asking for a key that its table does not have, or under another type, is a programmer's
/// error and ends the process.
public struct KeyValues: Equatable, Sendable {
    private(set) var values: [String: KeyValue] = [:]
    private(set) var lines: [String: Int] = [:]

    init() {}

    public static func == (left: KeyValues, right: KeyValues) -> Bool { left.values == right.values }

    /// The keys whose values are others in `other`, sorted.
    func changes(in other: KeyValues) -> [String] {
        values.keys.filter { values[$0] != other.values[$0] }.sorted()
    }

    /// With the values that `other` has of some keys.
    func keeping(_ keys: [String], of other: KeyValues) -> KeyValues {
        var kept = self
        for key in keys { kept.set(key, other[key], line: other.line(key)) }
        return kept
    }

    mutating func set(_ path: String, _ value: KeyValue, line: Int) {
        values[path] = value
        lines[path] = line
    }

    /// The value of a key.
    public subscript(path: String) -> KeyValue { invariant(values[path], "no key \(path) in this table") }

    /// Line of the value; 0 where it is the default.
    public func line(_ path: String) -> Int { lines[path] ?? 0 }

    func optionalText(_ path: String) -> String? {
        switch self[path] {
        case .absent: return nil
        case .text(let text): return text
        default: fatalError("\(path) is no text")
        }
    }

    func text(_ path: String) -> String { optionalText(path) ?? "" }

    func texts(_ path: String) -> [String] {
        switch self[path] {
        case .absent: return []
        case .texts(let texts): return texts
        default: fatalError("\(path) is no list of texts")
        }
    }

    func integer(_ path: String) -> Int {
        guard case .integer(let value) = self[path] else { fatalError("\(path) is no integer") }
        return value
    }

    func optionalNumber(_ path: String) -> Double? {
        switch self[path] {
        case .absent: return nil
        case .number(let value): return value
        default: fatalError("\(path) is no number")
        }
    }

    func number(_ path: String) -> Double { invariant(optionalNumber(path), "\(path) has no value") }

    func optionalBoolean(_ path: String) -> Bool? {
        switch self[path] {
        case .absent: return nil
        case .boolean(let value): return value
        default: fatalError("\(path) is no truth value")
        }
    }

    func tables(_ path: String) -> [KeyValues] {
        switch self[path] {
        case .absent: return []
        case .tables(let tables): return tables
        default: fatalError("\(path) is no list of tables")
        }
    }
}

extension Key.Kind {
    /// What a value of this kind must be, for whoever gave another.
    var expectation: String {
        switch self {
        case .text: "text in quotation marks"
        case .texts: "a list of texts, such as [\"a\", \"b\"]"
        case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .size: "octets, such as 65536 or \"64 KiB\""
        case .number: "a number"
        case .ratio: "a ratio from 1x to 1000000x, such as \"300x\", or \"lossless\""
        case .boolean: "true or false"
        case .tables: "a list of tables, such as [{ name = value }]"
        }
    }
}

extension KeyValues {
    /// A path as seen from the folder of `file`, where the file names it or says nothing; as it is where `--set` does.
    func path(_ key: String, besides file: String) -> String {
        line(key) == TomlValue.overrideLine ? text(key) : ConfigurationFile.resolve(text(key), besides: file)
    }
}
