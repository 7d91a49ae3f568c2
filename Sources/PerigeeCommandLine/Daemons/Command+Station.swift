extension Command {
    /// The command line of the station's daemon.
    public static let perigeed = Command(
        "perigeed",
        summary: "Take frames from sensors over ZeroMQ, encode them, and deliver the packets to a gateway",
        discussion: [
            "Runs in the foreground until SIGTERM or SIGINT; it then delivers what waits, for a time that the configuration names.",
            "Logs lines of key=value to standard error. Docs/frame-format.md says what sources send.",
        ],
        options: [
            .value(
                "config", short: "c", .text, as: "FILE", help: "Read this configuration",
                default: "/etc/perigee/perigeed.toml"),
            .flag("check", help: "Read configuration, sensors and firmware, say what is wrong with them, and end"),
        ],
        examples: [Example("perigeed --config Config/perigeed.toml --check", "check a configuration before using it")],
        exitCodes: [.unavailable, .io, .config])
}
