public import PerigeeConfig

extension ServiceLog {
    /// Goes by `log.level` of a configuration, whose names are those of the levels.
    public func take(level name: String) { level = Level(rawValue: name) ?? .info }

    /// Says what became of a reload; each problem of a file that was refused has a line.
    public func write<Settings>(_ live: LiveConfiguration<Settings>, isTaken: Bool) {
        let file = live.source.path ?? "defaults"
        guard isTaken else {
            for problem in (live.lastError ?? "").split(separator: "\n") {
                write(
                    .error, "configuration_refused", key: String(problem),
                    ["file": file, "problem": String(problem), "generation": "\(live.generation)"])
            }
            return
        }
        write(.notice, "configuration_loaded", ["file": file, "generation": "\(live.generation)"])
        guard !live.restartNeeded.isEmpty else { return }
        write(
            .warning, "configuration_waits",
            [
                "keys": live.restartNeeded.joined(separator: ","),
                "remedy": "restart the daemon: these keys keep their values until then",
            ])
    }
}
