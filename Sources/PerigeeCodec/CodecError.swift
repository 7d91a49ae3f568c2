public import PerigeeCore

/// Why a frame could not be encoded or decoded. Every case names the field and ends with the remedy.
public enum CodecError: Error, Equatable, Sendable {
    /// A value that the codec cannot use.
    case unusable(field: String, found: String, expected: String)
    /// A count or size beyond its limit.
    case outOfRange(field: String, value: Int, limit: Int)
    /// Two inputs contradict each other.
    case mismatch(field: String, found: String, expected: String)
    /// The byte budget is below the smallest possible size; both in octets.
    case overBudget(budget: Int, smallest: Int)
    /// A system library failed.
    case library(operation: String, reason: String)
    /// Octets that are not what they claim to be.
    case format(FormatError)
}

extension CodecError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unusable(let field, let found, let expected):
            "\(field) is \(found), expected \(expected): correct the input"
        case .outOfRange(let field, let value, let limit):
            "\(field) is \(value), the limit is \(limit): make it smaller"
        case .mismatch(let field, let found, let expected):
            "\(field) is \(found), but the rest of the input says \(expected): correct the input"
        case .overBudget(let budget, let smallest):
            "the budget is \(budget) octets, the smallest possible size is \(smallest): raise the budget"
        case .library(let operation, let reason): "\(operation) failed: \(reason)"
        case .format(let error): error.description
        }
    }
}
