import PerigeeCore

/// An argument without a name: its place says what it is.
public struct Positional: Sendable, Equatable {
    /// In capitals, for example `FILE`.
    public let name: String
    public let kind: ValueKind
    /// How many may be given. Only the last positional of a command may have a range.
    public let count: ClosedRange<Int>
    public let help: String

    /// One positional, or several under one name.
    public init(_ name: String, _ kind: ValueKind, count: ClosedRange<Int> = 1...1, help: String) {
        self.name = name
        self.kind = kind
        self.count = count
        self.help = help
    }

    var synopsis: String {
        let repeated = count.upperBound > 1 ? "\(name)…" : name
        return count.lowerBound == 0 ? "[\(repeated)]" : repeated
    }
}

/// A command line that works, and what it does.
public struct Example: Sendable, Equatable {
    public let line: String
    public let meaning: String

    /// An example for help and documents.
    public init(_ line: String, _ meaning: String) {
        self.line = line
        self.meaning = meaning
    }
}

/// A program or one of its subcommands: a table of what it takes. It does nothing itself.
public struct Command: Sendable, Equatable {
    public let name: String
    /// One sentence without a full stop.
    public let summary: String
    /// Paragraphs for help, each one line.
    public let discussion: [String]
    public let options: [Option]
    public let positionals: [Positional]
    public let examples: [Example]
    /// Exit codes beside `ok`, `usage` and `internal` that it may end with.
    public let exitCodes: [ExitCode]
    /// Where there are some, one must be named.
    public let subcommands: [Command]

    /// A command; see the properties.
    public init(
        _ name: String, summary: String, discussion: [String] = [], options: [Option] = [],
        positionals: [Positional] = [], examples: [Example] = [], exitCodes: [ExitCode] = [],
        subcommands: [Command] = []
    ) {
        invariant(
            Set(options.map(\.name)).count == options.count
                && !options.contains { ["help", "version"].contains($0.name) },
            "\(name) declares an option twice, or --help or --version")
        invariant(
            positionals.dropLast().allSatisfy { $0.count.lowerBound == $0.count.upperBound },
            "\(name): only the last positional may have a range")
        invariant(subcommands.isEmpty || positionals.isEmpty, "\(name) has positionals beside subcommands")
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.options = options
        self.positionals = positionals
        self.examples = examples
        self.exitCodes = exitCodes
        self.subcommands = subcommands
    }

    /// The options that every command has.
    static let standardOptions = [
        Option.flag("help", short: "h", help: "Print this help and exit"),
        Option.flag("version", help: "Print the version and exit"),
    ]

    /// Its options with `--help` and `--version` behind them.
    var allOptions: [Option] { options + Self.standardOptions }
}
