/// Docs/configuration.md, out of the tables that read the files.
public enum ConfigurationReference {
    /// The page in Markdown.
    public static var page: String {
        ([introduction] + [
            file("perigeed.toml", "the daemon of a station", StationConfiguration.keys),
            file("perigee-gateway.toml", "the gateway", GatewaySettings.keys),
            file("sensors/NAME.toml", "one sensor", SensorDefinition.keys, hasChange: false),
        ]).joined(separator: "\n")
    }

    private static let introduction = """
        # Configuration
        Made by `make docs` from the tables of keys that read the files (Sources/PerigeeConfig); do not edit.

        One TOML file for each daemon; `Config/` holds both with every key, its default and a comment. A key that is left out has its
        default. A key that does not exist, a value of another type and one beyond its limits are errors: all of them are named at once,
        with file, line and remedy, and the daemon does not start (exit code 78). `perigeed --check` and `perigee-gateway --check` say so
        without starting.

        `--set KEY=VALUE`, as often as needed, goes before the file and passes the same checks: `--set limits.intake_bytes=2GiB`,
        `--set 'intake.endpoints=[{ mode = "pull", endpoint = "tcp://127.0.0.1:5570" }]'`. Relative paths are seen from the folder of the
        file; those of `--set` from where the daemon was started. Sizes are octets or text such as `"64 KiB"`.

        **Reload.** SIGHUP (`systemctl reload`) reads the file, and what `--set` gave, anew. A file that is good is taken as a whole:
        keys marked *reload* count from then on, and the others that changed keep their values, are named in the log
        (`configuration_waits`) and in `status.json` (`configuration.restart_needed`), and count from the next start. A file with a mistake
        changes nothing: the log has a line for each (`configuration_refused`), `configuration.last_error` holds them, and
        `configuration.generation`, which counts the files that were taken from 1 on, stays. Areas of interest are read with each
        reload; sensor profiles at the start. Keys of stations and sources are read anew each second, without a reload.

        """

    private static func file(_ name: String, _ what: String, _ keys: [Key], hasChange: Bool = true) -> String {
        var text = "## \(name)\nConfig/\(name): \(what).\n"
        for (section, keys) in sections(keys) {
            if !section.isEmpty { text += "\n### [\(section)]\n" }
            text += "\n" + table(keys, prefix: section.isEmpty ? "" : section + ".", hasChange: hasChange)
            for key in keys {
                guard case .tables(let keys) = key.kind else { continue }
                text += "\nEach table of `\(key.path)`:\n\n" + table(keys, prefix: "", hasChange: false)
            }
        }
        return text
    }

    /// Keys by their tables, in the order of the first key of each.
    private static func sections(_ keys: [Key]) -> [(name: String, keys: [Key])] {
        var sections: [(name: String, keys: [Key])] = []
        for key in keys {
            let parts = key.path.split(separator: ".")
            let name = parts.dropLast().joined(separator: ".")
            if let index = sections.firstIndex(where: { $0.name == name }) {
                sections[index].keys.append(key)
            } else {
                sections.append((name, [key]))
            }
        }
        return sections
    }

    private static func table(_ keys: [Key], prefix: String, hasChange: Bool) -> String {
        var rows =
            hasChange
            ? "| key | value | default | changes at | what |\n|---|---|---|---|---|\n"
            : "| key | value | default | what |\n|---|---|---|---|\n"
        for key in keys {
            let change = hasChange ? " \(key.change == .atReload ? "reload" : "start") |" : ""
            let name = key.path.dropFirst(prefix.count)
            rows += "| `\(name)` | \(key.kind.summary) | \(fallback(key)) |\(change) \(key.help) |\n"
        }
        return rows
    }

    private static func fallback(_ key: Key) -> String {
        if key.isNeeded { return "needed" }
        return switch (key.fallback, key.kind) {
        case (.absent, _): "none"
        case (.text(let text), _): "`\"\(text)\"`"
        case (.texts, _): "`[]`"
        case (.tables, _): "`[]`"
        case (.boolean(let flag), _): "`\(flag)`"
        case (.integer(let value), .size): "`\(Key.Kind.size(value))`"
        case (.integer(let value), _): "`\(value)`"
        case (.number(let value), .ratio): value == 0 ? "`\"lossless\"`" : "`\"\(Key.Kind.short(value))x\"`"
        case (.number(let value), _): "`\(Key.Kind.short(value))`"
        }
    }
}

extension Key.Kind {
    /// What it takes, in a few words.
    fileprivate var summary: String {
        switch self {
        case .text(let choices): choices.isEmpty ? "text" : choices.map { "`\"\($0)\"`" }.joined(separator: ", ")
        case .texts: "list of texts"
        case .integer(let range): "integer, \(range.lowerBound) to \(range.upperBound)"
        case .size(let range): "octets, \(Self.size(range.lowerBound)) to \(Self.size(range.upperBound))"
        case .number(let range): "number, \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
        case .ratio: "ratio, `\"1x\"` to `\"1000000x\"`, or `\"lossless\"`"
        case .boolean: "`true`, `false`"
        case .tables: "list of tables"
        }
    }

    fileprivate static func size(_ octets: Int) -> String {
        for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where octets > 0 && octets % (1 << shift) == 0 { return "\"\(octets >> shift) \(unit)\"" }
        return "\(octets)"
    }

    fileprivate static func short(_ value: Double) -> String {
        Int(exactly: value).flatMap { abs($0) < 1_000_000_000 ? "\($0)" : nil } ?? "\(value)"
    }
}
