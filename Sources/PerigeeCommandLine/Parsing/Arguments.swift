public import PerigeeCore

/// What a command line said, checked. Asking for a name that the command does not declare is a programmer's error.
public struct Arguments: Sendable {
    /// Names of the subcommands, outermost first, without the program's.
    public let path: [String]
    let command: Command
    var options: [String: [String]] = [:]
    var flags: Set<String> = []
    /// In the order of the command line.
    public internal(set) var positionals: [String] = []

    init(path: [String], command: Command) {
        self.path = path
        self.command = command
    }

    /// Whether a flag was given.
    public func flag(_ name: String) -> Bool {
        invariant(declared(name)?.kind == nil, "--\(name) is no flag")
        return flags.contains(name)
    }

    /// All values of an option in order; its default where it was not given.
    public func texts(_ name: String) -> [String] {
        let option = declared(name)
        return options[name] ?? option?.defaultValue.map { [$0] } ?? []
    }

    /// The value of an option, or its default, or nil.
    public func text(_ name: String) -> String? { texts(name).last }

    /// The value of an option of kind `.integer` or `.octets`.
    public func integer(_ name: String) -> Int? { text(name).flatMap(ValueKind.octets) }

    /// The value of an option of kind `.number`.
    public func number(_ name: String) -> Double? { text(name).flatMap { Double($0) } }

    /// The value of an option of kind `.datetime`.
    public func datetime(_ name: String) -> Timestamp? { text(name).flatMap { Timestamp(rfc3339: $0) } }

    private func declared(_ name: String) -> Option? {
        let option = command.options.first { $0.name == name }
        invariant(option != nil, "\(command.name) declares no option --\(name)")
        return option
    }
}
