import CToml

/// One value of a TOML document and the line where it stands.
public struct TomlValue: Equatable, Sendable {
    /// What a value is.
    public indirect enum Content: Equatable, Sendable {
        case string(String)
        case integer(Int64)
        case number(Double)
        case boolean(Bool)
        case array([TomlValue])
        case table([Member])
        /// A date or a time: nothing of ours uses one.
        case other
    }

    /// A key of a table and its value.
    public struct Member: Equatable, Sendable {
        public let name: String
        public let value: TomlValue
    }

    public let content: Content
    /// Counted from 1; 0 where there is none, `overrideLine` where it stands on the command line.
    public let line: Int

    /// The line of what the command line sets.
    static let overrideLine = -1

    /// The value of a key; nil where this is no table or has no such key.
    public subscript(name: String) -> TomlValue? {
        guard case .table(let members) = content else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// A TOML file as values. At most 1 MiB and 16 levels.
public struct TomlDocument: Sendable {
    /// A table.
    public let root: TomlValue
    /// The file's name, for messages.
    public let name: String

    init(root: TomlValue, name: String) {
        self.root = root
        self.name = name
    }

    /// Reads the text of a file.
    public init(parsing text: [UInt8], name: String) throws(ConfigurationError) {
        self.name = name
        if let line = Self.lineWithoutText(text) {
            throw ConfigurationError(problems: [
                ConfigurationProblem(
                    file: name, line: line, key: "", message: "is no UTF-8 text: save the file as UTF-8")
            ])
        }
        let builder = Builder()
        var message = [CChar](repeating: 0, count: 256)
        var line: UInt32 = 0
        let isRead = text.withUnsafeBufferPointer { octets in
            octets.withMemoryRebound(to: CChar.self) { characters in
                withExtendedLifetime(builder) {
                    perigee_toml_walk(
                        characters.baseAddress, characters.count,
                        { context, event in
                            guard let context, let event else { return }
                            Unmanaged<Builder>.fromOpaque(context).takeUnretainedValue().add(event.pointee)
                        }, Unmanaged.passUnretained(builder).toOpaque(), &message, message.count, &line)
                }
            }
        }
        guard isRead, let root = builder.root else {
            let reason = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw ConfigurationError(
                problems: [
                    ConfigurationProblem(file: name, line: Int(line), key: "", message: "this is no TOML: \(reason)")
                ])
        }
        self.root = root
    }

    /// The first line that is not UTF-8; nil where all are.
    private static func lineWithoutText(_ octets: [UInt8]) -> Int? {
        if String(validating: octets, as: UTF8.self) != nil { return nil }
        let lines = octets.split(separator: 0x0A, omittingEmptySubsequences: false)
        return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
    }

    /// Reads the file at `path`.
    public init(path: String) throws(ConfigurationError) {
        try self.init(parsing: ConfigurationFile.read(path), name: path)
    }
}

/// Puts the events of one walk together.
private final class Builder {
    private struct Open {
        let key: String?
        let line: Int
        let isTable: Bool
        var members: [TomlValue.Member] = []
        var items: [TomlValue] = []
    }

    private(set) var root: TomlValue?
    private var stack: [Open] = []

    func add(_ event: perigee_toml_event) {
        let line = Int(event.line)
        let key = event.key.map { Self.text($0, event.key_size) }
        switch event.kind {
        case PERIGEE_TOML_TABLE_BEGIN, PERIGEE_TOML_ARRAY_BEGIN:
            stack.append(Open(key: key, line: line, isTable: event.kind == PERIGEE_TOML_TABLE_BEGIN))
        case PERIGEE_TOML_TABLE_END, PERIGEE_TOML_ARRAY_END:
            guard let done = stack.popLast() else { return }
            close(
                TomlValue(content: done.isTable ? .table(done.members) : .array(done.items), line: done.line), done.key)
        case PERIGEE_TOML_STRING:
            close(TomlValue(content: .string(Self.text(event.text, event.text_size)), line: line), key)
        case PERIGEE_TOML_INTEGER: close(TomlValue(content: .integer(event.integer), line: line), key)
        case PERIGEE_TOML_NUMBER: close(TomlValue(content: .number(event.number), line: line), key)
        case PERIGEE_TOML_BOOLEAN: close(TomlValue(content: .boolean(event.integer != 0), line: line), key)
        default: close(TomlValue(content: .other, line: line), key)
        }
    }

    private func close(_ value: TomlValue, _ key: String?) {
        guard let last = stack.indices.last else {
            root = value
            return
        }
        if let key, stack[last].isTable {
            stack[last].members.append(TomlValue.Member(name: key, value: value))
        } else {
            stack[last].items.append(value)
        }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?, _ size: Int) -> String {
        guard let pointer else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: pointer, count: size), as: UTF8.self)
    }
}
