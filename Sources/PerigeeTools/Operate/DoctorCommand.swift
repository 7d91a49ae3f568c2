import PerigeeCommandLine
import PerigeeConfig
import PerigeeJSON

/// `perigee doctor`: looks at everything that a station needs from its machine.
enum DoctorCommand {
    private static let usualConfiguration = "/etc/perigee/perigeed.toml"

    static let command = Command(
        "doctor", summary: "Look at what a station needs from its machine, and say how to mend it",
        discussion: [
            "Looks at configuration, daemon, HTTP, clock, time of an fsync in the spool's folder, owners and permissions, keys, gateways "
                + "(a connection with the station's keys to each, without a session), memory, disk, and the sandbox of the unit. Changes nothing but "
                + "a small file in the spool's folder, which is gone when it ends.",
            "Run it as root, or as the user of the daemon: others may not see the keys and the spool.",
            "The exit code is 0 where all is good, 1 with a warning, 2 with something bad.",
        ],
        options: [
            .value(
                "config", short: "c", .file, as: "FILE", help: "The station's configuration",
                default: usualConfiguration),
            .value(
                "url", .text, as: "URL",
                help: "Where the daemon answers over HTTP; else as [http] listen of the configuration says"),
            DaemonAddress.tokenFile,
            .value("unit", .file, as: "FILE", help: "The unit to rate; else the installed perigeed.service"),
            SharedOptions.json,
        ],
        examples: [
            Example("sudo perigee doctor", "The whole station"),
            Example("perigee doctor --config Config/perigeed.toml", "A configuration before it is installed"),
            Example("perigee doctor --json", "For a script"),
        ],
        exitCodes: [.differs, .failing])

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let isJSON = arguments.flag("json")
        let findings = try findings(arguments) { if !isJSON { show($0) } }
        if isJSON {
            Terminal.print(
                JSONValue.object([
                    "healthy": .bool(findings.exitCode == .ok), "findings": .array(findings.map(\.json)),
                ]).indented)
        } else {
            func count(_ verdict: Finding.Verdict) -> Int { findings.count { $0.verdict == verdict } }
            Terminal.print(
                "\(count(.good)) good, \(count(.warning)) to watch, \(count(.bad)) bad, \(count(.unknown)) not seen")
        }
        return findings.exitCode
    }

    /// Each is told as soon as it is known: some looks take seconds.
    private static func findings(
        _ arguments: Arguments, _ tell: (Finding) -> Void
    ) throws(CommandFailure) -> [Finding] {
        var findings: [Finding] = []
        func add(_ found: [Finding]) {
            for finding in found { tell(finding) }
            findings += found
        }
        let path = arguments.text("config") ?? usualConfiguration
        let (configuration, finding) = ConfigurationLook.read(path)
        add([finding])
        let address = try DaemonAddress(arguments, usualURL: url(configuration), hasFile: false)
        add(DaemonLook.ask(address, statusFile: configuration?.statusFile))
        add([ClockLook.look()])
        if let configuration {
            let owner = ServiceUser()
            add([DiskLook.syncTime(configuration.spool.directory), DiskLook.space(configuration.spool)])
            add(PermissionLook(owner).look(configuration))
            add(KeyLook.look(configuration))
            add(GatewayLook.look(configuration) + [MemoryLook.look(configuration)])
        }
        add([UnitLook.look(arguments.text("unit"))])
        return findings
    }

    /// Where the configuration has the daemon listen, as seen from this machine.
    private static func url(_ configuration: StationConfiguration?) -> String {
        guard let http = configuration?.http, http.port > 0 else { return "http://127.0.0.1:9477" }
        let host = ["0.0.0.0", "::", "*"].contains(http.host) ? "127.0.0.1" : http.host
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(http.port)"
    }

    private static func show(_ finding: Finding) {
        var screen = ScreenText(columns: Terminal.width, isStyled: Terminal.hasColor(.output))
        let verdict = finding.verdict.rawValue
        screen.field(
            verdict, "\(finding.subject): \(finding.text)", finding.verdict == .good ? nil : finding.verdict.style)
        if let remedy = finding.remedy { screen.field("", remedy) }
        Terminal.write(screen.text)
    }
}
