import PerigeeCommandLine
import PerigeeJSON
import PerigeeLink
import PerigeeTransport

/// `perigee status`: how it goes, on one screen.
enum StatusCommand {
    static let command = Command(
        "status", summary: "Say on one screen how a station or gateway goes",
        discussion: [
            "Asks the daemon over HTTP. Where [http] listen is empty, --file names the file that it writes each second.",
            "The exit code tells its health: 0 is ok, 1 degraded, 2 failing, 69 not running.",
            "`raw` is the octets of all delivered frames over all octets of the link, in both directions; `native` counts each "
                + "band at its own resolution; `zstd` is what a lossless packer would have needed. `codec` of a sensor is no saving "
                + "of the line: raw octets over those of its packets.",
        ],
        options: DaemonAddress.options + [SharedOptions.json],
        examples: [
            Example("perigee status", "The station of this machine"),
            Example("perigee status --url http://127.0.0.1:9478", "The gateway of this machine"),
            Example("perigee status --json", "For a script: Docs/status.md says what is in it"),
        ],
        exitCodes: [.differs, .failing, .data, .unavailable])

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let document = try DaemonAddress(arguments).status()
        if arguments.flag("json") {
            Terminal.print(document.json.indented)
        } else {
            let screen = document.screen(columns: Terminal.width, isStyled: Terminal.hasColor(.output))
            Terminal.write(screen.text)
        }
        return document.health.exitCode
    }
}

extension StatusDocument {
    /// As it is now. `rates`: what `top` measured.
    func screen(columns: Int, isStyled: Bool, rates: (intake: Double, link: Double)? = nil) -> ScreenText {
        let now = currentTime().utc
        return isGateway
            ? GatewayScreen(document: self, now: now).text(columns: columns, isStyled: isStyled)
            : StationScreen(document: self, now: now, rates: rates).text(columns: columns, isStyled: isStyled)
    }
}
