import PerigeeCore

/// An option of a command, `--name VALUE` or, without a value, a flag.
public struct Option: Sendable, Equatable {
    /// Long name without its dashes.
    public let name: String
    /// One letter for the short form, where there is one.
    public let short: Character?
    /// What it takes; nil makes it a flag.
    public let kind: ValueKind?
    /// Stands for the value in help, for example `PORT`.
    public let placeholder: String
    /// One sentence without a full stop.
    public let help: String
    /// May be given more than once.
    public let isRepeated: Bool
    /// Must be given.
    public let isRequired: Bool
    /// Used where it is not given.
    public let defaultValue: String?

    private init(
        name: String, short: Character?, kind: ValueKind?, placeholder: String, help: String, isRepeated: Bool,
        isRequired: Bool, defaultValue: String?
    ) {
        self.name = name
        self.short = short
        self.kind = kind
        self.placeholder = placeholder
        self.help = help
        self.isRepeated = isRepeated
        self.isRequired = isRequired
        self.defaultValue = defaultValue
        if let kind, let defaultValue {
            invariant(kind.problem(with: defaultValue) == nil, "the default of --\(name) does not pass its own check")
        }
    }

    /// An option without a value.
    public static func flag(_ name: String, short: Character? = nil, help: String) -> Option {
        Option(
            name: name, short: short, kind: nil, placeholder: "", help: help, isRepeated: false, isRequired: false,
            defaultValue: nil)
    }

    /// An option that takes one value.
    public static func value(
        _ name: String, short: Character? = nil, _ kind: ValueKind, as placeholder: String, help: String,
        isRequired: Bool = false, default defaultValue: String? = nil
    ) -> Option {
        Option(
            name: name, short: short, kind: kind, placeholder: placeholder, help: help, isRepeated: false,
            isRequired: isRequired, defaultValue: defaultValue)
    }

    /// An option that may be given several times.
    public static func values(
        _ name: String, short: Character? = nil, _ kind: ValueKind, as placeholder: String, help: String,
        isRequired: Bool = false
    ) -> Option {
        Option(
            name: name, short: short, kind: kind, placeholder: placeholder, help: help, isRepeated: true,
            isRequired: isRequired, defaultValue: nil)
    }

    /// `-o, --output FILE`
    var synopsis: String {
        let long = kind == nil ? "--\(name)" : "--\(name) \(placeholder)"
        return short.map { "-\($0), \(long)" } ?? "    \(long)"
    }
}
