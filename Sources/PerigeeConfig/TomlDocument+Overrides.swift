extension TomlDocument {
    /// The document with what the command line sets above it, each `key=value`: a value as in the file, or, where it is none, text.
    func setting(_ overrides: [String], keys: [Key]) throws(ConfigurationError) -> TomlDocument {
        var root = root
        var problems: [ConfigurationProblem] = []
        for override in overrides {
            let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
            guard parts.count == 2, path.allSatisfy({ !$0.isEmpty }) else {
                problems.append(
                    ConfigurationProblem(
                        file: "--set", line: 0, key: "",
                        message: "\"\(override)\" is no key=value: write it like limits.intake_bytes=64MiB"))
                continue
            }
            let key = keys.first { $0.path == path.joined(separator: ".") }
            root = root.setting(path[...], to: Self.value(String(parts[1]), key?.kind))
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return TomlDocument(root: root, name: name)
    }

    private static func value(_ text: String, _ kind: Key.Kind?) -> TomlValue {
        let plain = TomlValue(content: .string(text), line: TomlValue.overrideLine)
        guard let document = try? TomlDocument(parsing: Array("value = \(text)".utf8), name: ""),
            case .table(let members) = document.root.content, members.count == 1, let value = members.first?.value
        else { return plain }
        // a name or a port of digits is meant as text
        if case .text? = kind, case .string = value.content {} else if case .text? = kind { return plain }
        return value.overriding
    }
}

extension TomlValue {
    /// A table with a value at `path`, in tables that are made where there are none.
    fileprivate func setting(_ path: ArraySlice<String>, to value: TomlValue) -> TomlValue {
        guard let name = path.first else { return value }
        guard case .table(var members) = content else { return self }  // told by whoever reads the file
        let index = members.firstIndex { $0.name == name }
        let old = index.map { members[$0].value } ?? TomlValue(content: .table([]), line: Self.overrideLine)
        let member = Member(name: name, value: old.setting(path.dropFirst(), to: value))
        if let index { members[index] = member } else { members.append(member) }
        return TomlValue(content: .table(members), line: line)
    }

    /// The same as if it stood on the command line.
    fileprivate var overriding: TomlValue {
        let content: Content =
            switch content {
            case .array(let items): .array(items.map(\.overriding))
            case .table(let members): .table(members.map { Member(name: $0.name, value: $0.value.overriding) })
            default: content
            }
        return TomlValue(content: content, line: Self.overrideLine)
    }
}
