extension Command {
    /// The command line of the station's daemon.
    public static let perigeed = Command(
        "perigeed",
        summary: "Take frames from sensors over ZeroMQ, encode them, and deliver the packets to a gateway",
        discussion: [
            "Runs in the foreground until SIGTERM or SIGINT; it then delivers what waits, for a time that the configuration names.",
            "SIGHUP reads the configuration anew (Docs/configuration.md says which keys count from then on), and takes frames again",
            "after SIGUSR1, which closes the intakes and goes on delivering.",
            "Logs lines of key=value to standard error. Docs/frame-format.md says what sources send.",
        ],
        options: [
            .value(
                "config", short: "c", .text, as: "FILE", help: "Read this configuration",
                default: "/etc/perigee/perigeed.toml"),
            .values(
                "set", .text, as: "KEY=VALUE",
                help: "Give a key of the configuration another value, such as limits.intake_bytes=2GiB"),
            .flag("check", help: "Read configuration, sensors and firmware, say what is wrong with them, and end"),
        ],
        examples: [Example("perigeed --config Config/perigeed.toml --check", "check a configuration before using it")],
        exitCodes: [.unavailable, .io, .config])
}
