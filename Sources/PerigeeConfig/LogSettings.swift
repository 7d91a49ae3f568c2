/// What a daemon logs.
public enum LogSettings {
    /// Lines of this level and above are written. Names of levels as the lines have them, the finest first.
    static let keys = [
        Key(
            "log.level", .text(choices: ["debug", "info", "notice", "warning", "error"]), .text("info"),
            "lines of this level and above are written; debug has one for each frame", .atReload)
    ]
}
