import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("perigee status", .timeLimit(.minutes(10)))
struct StatusCommandTests {
    private static let escape = "\u{1B}"

    @Test("the exit code tells the health", arguments: [("ok", 0), ("degraded", 1), ("failing", 2)])
    func health(word: String, code: Int32) throws {
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.station().with(["health"], .string(word)).description)
        let outcome = try Programs.perigee(["status", "--url", server.url])
        #expect(outcome.code == code, "\(outcome.errors)")
        #expect(outcome.output.contains("station svalbard-1") && outcome.output.contains(word))
        #expect(outcome.output.contains("266x raw") && outcome.output.contains("SourceLoss"))
    }

    @Test("--json prints what the daemon says")
    func json() throws {
        let server = try StatusServer()
        let example = try StatusExamples.station()
        server.serve("/status.json", example.description)
        #expect(try Programs.perigee(["status", "--json", "--url", server.url]).json() == example)
    }

    @Test("a gateway's screen lists its stations")
    func gateway() throws {
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.gateway().description)
        let outcome = try Programs.perigee(["status", "--url", server.url + "/"])
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("gateway tcp://0.0.0.0:5571") && outcome.output.contains("svalbard-1  here"))
    }

    @Test("the screen fits its terminal", arguments: [40, 80, 132], [true, false])
    func fits(columns: Int, isGateway: Bool) throws {
        let server = try StatusServer()
        let example = try isGateway ? StatusExamples.gateway() : StatusExamples.station()
        server.serve("/status.json", example.description)
        let terminal = try PseudoTerminal(["status", "--url", server.url], columns: columns)
        let (_, text) = try terminal.finish()
        #expect(text.contains(Self.escape + "["), "colours on a terminal")
        let plain = text.replacing(/\x1B\[[0-9;]*m/, with: "")
        for line in plain.split(separator: "\n") { #expect(line.count <= columns, "\(line)") }
        #expect(plain.split(separator: "\n").count <= (columns == 40 ? 40 : 24))
        #expect(!plain.contains(Self.escape))
    }

    @Test("NO_COLOR is heeded on a terminal")
    func noColor() throws {
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.station().description)
        let terminal = try PseudoTerminal(
            ["status", "--url", server.url], columns: 80, environment: ["NO_COLOR": "1"])
        #expect(try !terminal.finish().text.contains(Self.escape))
    }

    @Test("texts from outside cannot write on the terminal")
    func outsideText() throws {
        let server = try StatusServer()
        let evil = "\(Self.escape)[2J<script>\u{9B}31m\nnext\u{202E}"
        let sensors = try StatusExamples.station()["sensors"]?["sentinel-2-l2a"]
        let status = try StatusExamples.station()
            .with(["sensors"], .object([.init(evil, try #require(sensors))])).with(["station"], .string(evil))
            .with(["link", "gateway"], .string(evil)).with(["configuration", "last_error"], .string(evil))
        server.serve("/status.json", status.description)
        let outcome = try Programs.perigee(["status", "--url", server.url])
        #expect(outcome.code == 1)
        #expect(!outcome.output.contains(Self.escape) && !outcome.output.contains("\u{9B}"))
        #expect(!outcome.output.contains("\u{202E}"))
        #expect(outcome.output.contains("\\u{1b}[2J<script>"))
    }

    @Test("a daemon that does not run is told so, with 69")
    func notRunning() throws {
        let folder = try TemporaryFolder()
        let free = try RawServer(answer: [])
        let url = free.url
        free.close()
        let outcome = try Programs.perigee(["status", "--url", url])
        #expect(outcome.code == 69 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("nothing listens at \(url)") && outcome.errors.contains("systemctl start"))
        let missing = try Programs.perigee(["status", "--json", "--file", folder.file("status.json")])
        #expect(missing.code == 69 && missing.errors.contains("there is no "))
    }

    @Test("a status file that nobody writes any more is of no running daemon")
    func staleFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("status.json")
        // the example is of a day long ago
        try StatusExamples.station().description.write(toFile: path, atomically: true, encoding: .utf8)
        let old = try Programs.perigee(["status", "--file", path])
        #expect(old.code == 69 && old.errors.contains("does not run"))
        let now = Date.now.formatted(.iso8601)
        let fresh = try StatusExamples.station().with(["updated"], .string(now))
        try fresh.description.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try Programs.perigee(["status", "--file", path]).code == 1)
        try fresh.with(["state"], .string("stopped")).description.write(toFile: path, atomically: true, encoding: .utf8)
        let stopped = try Programs.perigee(["status", "--file", path])
        #expect(stopped.code == 69 && stopped.errors.contains("as stopped"))
    }

    @Test("a token is wanted, and brought out of a file")
    func token() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("token")
        try "0123456789abcdefghij\n".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
        let server = try StatusServer(token: path)
        server.serve("/status.json", try StatusExamples.station().description)
        let without = try Programs.perigee(["status", "--url", server.url])
        #expect(without.code == 69 && without.errors.contains("--token-file"))
        #expect(try Programs.perigee(["status", "--url", server.url, "--token-file", path]).code == 1)
        try "no token\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try Programs.perigee(["status", "--url", server.url, "--token-file", path]).code == 65)
    }

    @Test(
        "answers of other programs are told apart from a daemon's",
        arguments: [
            ("", 69, "ends after 0 octets"), ("SSH-2.0-OpenSSH_9.2\r\n\r\n", 69, "no status line"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 65, "no status of a Perigee daemon"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<htm", 65, "no JSON"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", 69, "ends after 2 octets"),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 69, "its length is"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 69, "more than"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 69, "in pieces"),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", 69, "answers 404"),
            ("HTTP/1.0 200 OK\r\n\r\n{\"v\": 1, \"state\": \"running\"}", 65, "must be 2"),
            (String(repeating: "x", count: 40_000), 69, "more than"),
        ] as [(String, Int32, String)])
    func otherPrograms(answer: String, code: Int32, text: String) throws {
        let server = try RawServer(answer: Array(answer.utf8))
        let outcome = try Programs.perigee(["status", "--url", server.url])
        #expect(outcome.code == code && outcome.errors.contains(text), "\(outcome.code) \(outcome.errors)")
    }

    @Test(
        "an address that is none is a usage error",
        arguments: [
            "https://127.0.0.1:9477", "127.0.0.1:9477", "http://127.0.0.1", "http://:80", "http://a b:80", "http://h:0",
        ])
    func address(url: String) throws {
        let outcome = try Programs.perigee(["status", "--url", url])
        #expect(outcome.code == 64 && outcome.errors.contains("--url is"))
    }
}
