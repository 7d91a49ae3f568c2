import PerigeeCommandLine
import PerigeeService

/// `http://HOST:PORT`, taken apart.
struct HTTPAddress: Equatable {
    /// Without brackets.
    let host: String
    let port: UInt16

    /// As it is written, without a slash at its end.
    var text: String { "http://\(authority)" }

    /// What `Host:` says.
    var authority: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Refuses what is no such address, and says what is expected.
    init(_ text: String) throws(CommandFailure) {
        func refuse(_ why: String) -> CommandFailure {
            CommandFailure(.usage, "--url is \"\(LogText.escaped(text))\", \(why), such as http://127.0.0.1:9477")
        }
        if text.hasPrefix("https://") {
            throw refuse("and daemons speak no TLS: ask on the machine itself or through `ssh -L`, by http://HOST:PORT")
        }
        guard text.hasPrefix("http://") else { throw refuse("expected http://HOST:PORT") }
        var rest = text.dropFirst("http://".count)
        if rest.hasSuffix("/") { rest.removeLast() }
        let hostText: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw refuse("expected http://[ADDRESS]:PORT") }
            hostText = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            hostText = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(hostText.count)
        }
        let isName = hostText.utf8.allSatisfy { octet in
            (0x30...0x3A).contains(octet) || (0x41...0x5A).contains(octet) || (0x61...0x7A).contains(octet)
                || [0x2D, 0x2E, 0x5F, 0x25].contains(octet)
        }
        guard !hostText.isEmpty, hostText.utf8.count <= 253, isName, rest.first == ":",
            let port = UInt16(rest.dropFirst()), port > 0
        else { throw refuse("expected http://HOST:PORT") }
        host = String(hostText)
        self.port = port
    }
}
