import Glibc
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// Where a daemon tells of itself: over HTTP, or in the file that it writes each second.
struct DaemonAddress {
    static let url = Option.value(
        "url", .text, as: "URL",
        help: "Where the daemon answers over HTTP; http://127.0.0.1:9478 is a gateway on this machine",
        default: "http://127.0.0.1:9477")
    static let file = Option.value(
        "file", .file, as: "FILE", help: "Read this status file instead of asking over HTTP")
    static let tokenFile = Option.value(
        "token-file", .file, as: "FILE", help: "File whose first line is the token of a daemon on another machine")
    /// All of them, for commands that read the status.
    static let options = [url, file, tokenFile]

    private static let statusLimit = 8 << 20
    /// A status file that is older is of a daemon that does not run.
    private static let staleSeconds = 10.0

    let url: HTTPAddress
    let file: String?
    let token: String?

    /// What the options say. `file` is nil for commands that have no such option.
    init(_ arguments: Arguments, usualURL: String = "", hasFile: Bool = true) throws(CommandFailure) {
        url = try HTTPAddress(arguments.text("url") ?? usualURL)
        file = hasFile ? arguments.text("file") : nil
        token = try arguments.text("token-file").map { path throws(CommandFailure) in
            let octets = try FileOctets.read(path, limit: 4_096)
            let line = String(decoding: octets.prefix { $0 != 0x0A }, as: UTF8.self)
            guard !line.isEmpty, line.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw CommandFailure(.data, "the first line of \(path) is no token: letters and digits are expected")
            }
            return line
        }
    }

    /// The status of a daemon that runs. One that does not is `unavailable`, with what can be known of it.
    func status() throws(CommandFailure) -> StatusDocument {
        if let file { return try status(file: file) }
        return try StatusDocument(json("/status.json"), from: "\(url.text)/status.json")
    }

    /// An answer of the daemon.
    func json(_ path: String) throws(CommandFailure) -> JSONValue {
        let answer: HTTPAnswer
        do throws(HTTPError) { answer = try HTTPClient.get(url, path: path, token: token) } catch {
            throw CommandFailure(.unavailable, explain(error))
        }
        guard let value = try? JSONValue(parsing: answer.body[...], depthLimit: 16) else {
            throw CommandFailure(
                .data, "\(url.text)\(path) answers no JSON: another program listens there, check --url")
        }
        if answer.code == 200 { return value }
        let said = value["error"]?.string.map { ": \(LogText.escaped($0))" } ?? ""
        switch answer.code {
        case 401: throw CommandFailure(.unavailable, "\(url.text) wants a token\(said): give --token-file FILE")
        case 403: throw CommandFailure(.unavailable, "\(url.text) does not answer by this name\(said): use its address")
        default: throw CommandFailure(.unavailable, "\(url.text)\(path) answers \(answer.code)\(said): check --url")
        }
    }

    private func explain(_ error: HTTPError) -> String {
        guard case .refused = error else { return "\(url.text): \(error)" }
        return
            "nothing listens at \(url.text): start the daemon (`systemctl start perigeed`), or name it with --url; where "
            + "[http] listen is empty give --file with its [status] file"
    }

    func status(file: String) throws(CommandFailure) -> StatusDocument {
        guard FileOctets.exists(file) else {
            throw CommandFailure(
                .unavailable,
                "there is no \(file): start the daemon (`systemctl start perigeed`), or name its [status] file")
        }
        let octets = try FileOctets.read(file, limit: Self.statusLimit)
        guard let value = try? JSONValue(parsing: octets[...], depthLimit: 16) else {
            throw CommandFailure(.data, "\(file) holds no JSON: name the [status] file of the daemon")
        }
        let document = try StatusDocument(value, from: file)
        let age = document.updated.map { Double(currentTime().utc.milliseconds - $0.milliseconds) / 1_000 }
        guard document.state != "stopped", let age, age < Self.staleSeconds else {
            let since = age.map { "\(Amount.duration($0)) ago" } ?? "at an unknown time"
            throw CommandFailure(
                .unavailable,
                "the daemon of \(file) does not run, it wrote its status \(since) as \(document.state): start it "
                    + "(`systemctl start perigeed`)")
        }
        return document
    }
}
