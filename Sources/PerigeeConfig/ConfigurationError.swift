/// One thing that is wrong in a configuration file.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    public var file: String
    /// Counted from 1; 0 where there is no line to name.
    public var line: Int
    /// Key with its tables, for example `limits.frame_bytes`; empty where the whole file is meant.
    public var key: String
    /// What is wrong and what to do.
    public var message: String

    /// A problem; see the properties.
    public init(file: String, line: Int, key: String, message: String) {
        self.file = file
        self.line = line
        self.key = key
        self.message = message
    }

    public var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        return key.isEmpty ? "\(place): \(message)" : "\(place): \(key) \(message)"
    }
}

/// All that is wrong in a configuration, at once.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public var problems: [ConfigurationProblem]

    /// All that is wrong, in the order of the lines.
    public init(problems: [ConfigurationProblem]) {
        self.problems = problems.enumerated()
            .sorted { ($0.element.file, $0.element.line, $0.offset) < ($1.element.file, $1.element.line, $1.offset) }
            .map(\.element)
    }

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
