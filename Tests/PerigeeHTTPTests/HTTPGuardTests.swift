import Foundation
import PerigeeHTTP
import PerigeeTestSupport
import Testing

private func address(_ text: String) throws -> HTTPAddress { try #require(HTTPAddress(text)) }

@Test(
    "a numeric address with a port is one, anything else is none",
    arguments: [
        ("127.0.0.1:9477", true), ("[::1]:0", true), ("0.0.0.0:80", true), ("localhost:9477", true),
        ("station.example:9477", false),
        ("127.0.0.1", false),
        ("127.0.0.1:70000", false), (":9477", false), ("[::1", false), ("::1:9477", false), ("", false),
        ("1.2.3:1", false),
    ])
func addresses(_ text: String, isGood: Bool) { #expect((HTTPAddress(text) != nil) == isGood) }

private struct Ask: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var listen = "127.0.0.1:9477"
    var host: String? = "127.0.0.1:9477"
    var origin: String?
    var method = "GET"
    var hasBody = false
    let status: Int?
}

@Test(arguments: [
    Ask(testDescription: "its address", status: nil),
    Ask(testDescription: "localhost through a tunnel's port", host: "localhost:8080", status: nil),
    Ask(testDescription: "the other loopback", host: "[::1]:9477", status: nil),
    Ask(testDescription: "a name in the list", host: "Perigee.example", status: nil),
    Ask(testDescription: "a name that points here", host: "evil.example:9477", status: 403),
    Ask(testDescription: "a name that begins as ours", host: "localhost.evil.example", status: 403),
    Ask(testDescription: "an address of somebody else", host: "192.0.2.7", status: 403),
    Ask(testDescription: "no Host", host: nil, status: 400),
    Ask(testDescription: "a Host that is none", host: "127.0.0.1:94777", status: 403),
    Ask(testDescription: "any address of the machine", listen: "0.0.0.0:9477", host: "192.0.2.7:9477", status: nil),
    Ask(testDescription: "a name at all addresses", listen: "0.0.0.0:9477", host: "evil.example", status: 403),
    Ask(testDescription: "its own page", origin: "http://127.0.0.1:9477", status: nil),
    Ask(testDescription: "the proxy's page", origin: "https://perigee.example", status: nil),
    Ask(testDescription: "another page", origin: "https://evil.example", status: 403),
    Ask(testDescription: "a page without origin", origin: "null", status: 403),
    Ask(testDescription: "HEAD", method: "HEAD", status: nil),
    Ask(testDescription: "POST", method: "POST", status: 405),
    Ask(testDescription: "OPTIONS", method: "OPTIONS", status: 405),
    Ask(testDescription: "a body", hasBody: true, status: 400),
])
private func guards(_ ask: Ask) throws {
    let gate = HTTPGuard(address: try address(ask.listen), hosts: ["perigee.example"], token: nil)
    var head = HTTPGuard.Head()
    (head.host, head.origin, head.method, head.hasBody) = (ask.host, ask.origin, ask.method, ask.hasBody)
    #expect(gate.refusal(head)?.status == ask.status)
}

@Test("beyond loopback a token is needed, and then asked for with all data")
func token() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("token")
    try Data("0123456789abcdefghij\n".utf8).write(to: URL(filePath: path))
    chmod(path, 0o600)
    let token = try HTTPToken(path: path)
    #expect(throws: HTTPError.tokenNeeded(address: "0.0.0.0:9477")) {
        try HTTPServer.Configuration(address: address("0.0.0.0:9477"))
    }
    let gate = HTTPGuard(address: try address("0.0.0.0:9477"), hosts: [], token: token)
    func status(_ path: String = "/status.json", _ change: (inout HTTPGuard.Head) -> Void = { _ in }) -> Int? {
        var head = HTTPGuard.Head()
        head.host = "192.0.2.7"
        head.path = path
        change(&head)
        return gate.refusal(head)?.status
    }
    for path in ["/", "/livez", "/runbook/ClockBad"] { #expect(status(path) == nil, "\(path)") }
    for path in [
        "/status.json", "/saving.json", "/events.json", "/quicklooks.json", "/quicklook/1", "/metrics", "/readyz",
        "//", "/./", "/livez/", "/runbook", "/%2e", "", "/index.html", "*",
    ] { #expect(status(path) == 401, "\(path)") }
    // what needs no token is guarded against other sites all the same
    for path in ["/", "/livez", "/runbook/ClockBad"] {
        #expect(status(path) { $0.host = "evil.example" } == 403, "\(path)")
        #expect(status(path) { $0.origin = "https://evil.example" } == 403, "\(path)")
        #expect(status(path) { $0.method = "POST" } == 405, "\(path)")
    }
    #expect(status { $0.authorization = "Bearer 0123456789abcdefghij" } == nil)
    #expect(status { $0.token = "0123456789abcdefghij" } == nil)
    #expect(status { $0.authorization = "Bearer 0123456789abcdefghiX" } == 401)
    #expect(status { $0.authorization = "Basic 0123456789abcdefghij" } == 401)
    #expect(status { $0.token = "" } == 401)
    // a wrong header is not mended by a good query
    #expect(status { ($0.authorization, $0.token) = ("Bearer x", "0123456789abcdefghij") } == 401)
}

@Test(
    "a token file that is missing, open to everybody, short or odd is refused with its remedy",
    arguments: [
        ("missing", "", 0o600, "cannot be read"), ("open", "0123456789abcdefghij", 0o644, "by everybody"),
        ("short", "0123456789\n", 0o600, "10 octets"), ("odd", "0123456789 abcdefghij", 0o600, "printable"),
    ])
func badTokens(_ name: String, text: String, mode: Int, problem: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.file(name)
    if name != "missing" {
        try Data(text.utf8).write(to: URL(filePath: path))
        chmod(path, mode_t(mode))
    }
    let error = try #require(throws: HTTPError.self) { try HTTPToken(path: path) }
    #expect("\(error)".contains(problem) && "\(error)".contains(path) && error.isConfiguration)
}
