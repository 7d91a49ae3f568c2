extension Command {
    /// The command line of the gateway.
    public static let perigeeGateway = Command(
        "perigee-gateway",
        summary: "Takes packets from stations, files them durably and acknowledges them",
        discussion: [
            "It runs until SIGTERM or SIGINT, then commits what it has, says goodbye to its stations and ends.",
            "SIGHUP reads the configuration anew: Docs/configuration.md says which keys count from then on.",
            "Lines of key=value go to standard error; counters go to the status file each second.",
        ],
        options: [
            .value(
                "config", .file, as: "FILE", help: "configuration to read; without it the defaults of Config/ hold"),
            .values(
                "set", .text, as: "KEY=VALUE",
                help: "give a key of the configuration another value, such as limits.stations=50"),
            .flag("check", help: "read configuration and keys, say what is wrong with them, and end"),
        ],
        examples: [
            Example("perigee-gateway --config Config/perigee-gateway.toml", "serves what the file says"),
            Example(
                "perigee-gateway --set gateway.endpoint=tcp://127.0.0.1:5571 --set archive.directory=archive --set status.file=status.json",
                "a trial on this machine"),
        ],
        exitCodes: [.unavailable, .io, .config])
}
