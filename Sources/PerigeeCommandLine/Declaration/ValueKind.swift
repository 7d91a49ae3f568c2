import PerigeeCore

/// What an option or positional takes, checked before the command runs.
public enum ValueKind: Sendable, Equatable {
    /// Any text that is not empty.
    case text
    /// A path of a file.
    case file
    /// A path of a folder.
    case directory
    /// A whole number within the range.
    case integer(ClosedRange<Int>)
    /// A finite number within the range.
    case number(ClosedRange<Double>)
    /// A count of octets, with or without a suffix: k, M, G (thousands) or Ki, Mi, Gi (1,024s).
    case octets(ClosedRange<Int>)
    /// One of the names.
    case choice([String])
    /// A moment in RFC 3339.
    case datetime

    /// Why `text` is not such a value, or nil where it is one. The text ends with what is expected.
    func problem(with text: String) -> String? {
        switch self {
        case .text, .file, .directory:
            return text.isEmpty ? "is empty: give a value" : nil
        case .integer(let range):
            guard let value = Int(text), range.contains(value) else { return "expected \(Self.text(range))" }
            return nil
        case .number(let range):
            guard let value = Double(text), value.isFinite, range.contains(value) else {
                return "expected \(Self.text(range))"
            }
            return nil
        case .octets(let range):
            guard let value = Self.octets(text), range.contains(value) else {
                return "expected octets, \(Self.text(range)), with or without k, M, G, Ki, Mi, Gi"
            }
            return nil
        case .choice(let names):
            if names.contains(text) { return nil }
            let hint = NearestMatch.find(text, among: names).map { ", did you mean \($0)?" } ?? ""
            return "expected one of \(names.joined(separator: ", "))\(hint)"
        case .datetime:
            return Timestamp(rfc3339: text) == nil ? "expected a moment such as 2024-06-01T10:30:00Z" : nil
        }
    }

    /// Octets that a text such as `64Ki` or `2000` says; nil where it is none.
    public static func octets(_ text: String) -> Int? {
        let factors = [
            ("Ki", 1_024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("k", 1_000), ("M", 1_000_000),
            ("G", 1_000_000_000),
        ]
        for (suffix, factor) in factors where text.hasSuffix(suffix) {
            guard let number = Int(text.dropLast(suffix.utf8.count)) else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        return Int(text)
    }

    private static func text(_ range: ClosedRange<Int>) -> String {
        if range.upperBound == Int.max { return "a whole number of \(range.lowerBound) or more" }
        return "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    private static func text(_ range: ClosedRange<Double>) -> String {
        if range.upperBound >= 1e300 { return "a number of \(range.lowerBound) or more" }
        return "a number from \(range.lowerBound) to \(range.upperBound)"
    }
}
