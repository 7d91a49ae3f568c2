import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("perigee doctor", .timeLimit(.minutes(10)))
struct DoctorCommandTests {
    /// What was found of each subject: the last word of it.
    private func verdicts(_ words: [String]) throws -> (code: Int32, [String: (verdict: String, text: String)]) {
        let outcome = try Programs.perigee(["doctor", "--json"] + words)
        guard case .array(let findings)? = try outcome.json()["findings"] else { throw CancellationError() }
        var found: [String: (verdict: String, text: String)] = [:]
        for finding in findings {
            let verdict = finding["verdict"]?.string ?? ""
            #expect(
                (finding["remedy"] == .null) == (verdict == "good"), "all but good findings have a remedy: \(finding)")
            found[finding["subject"]?.string ?? ""] = (verdict, finding["text"]?.string ?? "")
        }
        return (outcome.code, found)
    }

    /// A port where nobody listens.
    private func freeURL() throws -> String {
        let server = try RawServer(answer: [])
        server.close()
        return server.url
    }

    @Test("a station with keys and a gateway that knows it: every look, and the gateway greets")
    func station() async throws {
        let daemons = try Daemons()
        try Self.makeKeys(daemons.folder)
        try daemons.startGateway()
        try FileManager.default.createDirectory(
            atPath: daemons.folder.file("spool"), withIntermediateDirectories: false)
        chmod(daemons.folder.file("spool"), 0o700)
        try await daemons.waitForGateway("its keys") { $0["keys"]?["stations"]?.int == 1 }
        let words = [
            "--config", daemons.folder.file("perigeed.toml"), "--url", try freeURL(), "--unit",
            SharedData.packageRoot + "/Systemd/perigeed.service",
        ]
        let (code, found) = try verdicts(words)
        #expect(found["gateway"]?.verdict == "good" && found["gateway"]?.text.contains("encrypted") == true)
        #expect(found["link keys"]?.verdict == "good")
        #expect(found["secret key"]?.verdict == "good")
        #expect(found["fsync"]?.text.contains("half of 20") == true)
        #expect(found["disk"] != nil && found["memory"] != nil && found["clock"] != nil)
        #expect(found["unit"]?.verdict == "good" && found["unit"]?.text.contains("1.1 of 10") == true)
        #expect(found["daemon"]?.verdict == "warning")
        #expect(code == 1 || code == 2, "a daemon that does not run is worth a warning at least")
        // the look left nothing behind
        #expect(try FileManager.default.contentsOfDirectory(atPath: daemons.folder.file("spool")).isEmpty)
        // the gateway took nobody for a session
        try await daemons.waitForGateway("no session") { $0["sessions_opened"]?.int ?? 0 == 0 }
    }

    @Test("an unknown key, open permissions, an open unit and no gateway are found, each with its remedy")
    func wrong() async throws {
        let daemons = try Daemons()
        try Self.makeKeys(daemons.folder)
        let config = ["--config", daemons.folder.file("perigeed.toml"), "--url", try freeURL()]
        chmod(daemons.folder.file("keys/station.secret"), 0o644)
        let unit = daemons.folder.file("perigeed.service")
        try "[Service]\nExecStart=/bin/true\n".write(toFile: unit, atomically: true, encoding: .utf8)
        let open = try verdicts(config + ["--unit", unit])
        #expect(open.code == 2 && open.1["secret key"]?.verdict == "bad")
        #expect(open.1["unit"]?.verdict == "warning" && open.1["link keys"]?.verdict == "bad")
        chmod(daemons.folder.file("keys/station.secret"), 0o600)
        let alone = try verdicts(config)
        #expect(alone.1["gateway"]?.verdict == "bad" && alone.1["gateway"]?.text.contains("cannot be reached") == true)
        // a gateway that does not know the station
        try Programs.succeed("keys", "deny", "-d", daemons.folder.file("keys"), "test")
        try daemons.startGateway()
        try await daemons.waitForGateway("its start") { $0["packets"] != nil }
        let denied = try verdicts(config)
        #expect(denied.1["gateway"]?.text.contains("does not know our key") == true, "\(denied.1)")
    }

    @Test("each of several gateways has a finding of its own, and keys of its own")
    func severalGateways() async throws {
        let daemons = try Daemons()
        let nobody = try daemons.preferAnotherGateway()
        try daemons.startGateway()
        try await daemons.waitForGateway("its start") { $0["packets"] != nil }
        let outcome = try Programs.perigee(
            ["doctor", "--json", "--config", daemons.folder.file("perigeed.toml"), "--url", try freeURL()])
        guard case .array(let findings)? = try outcome.json()["findings"] else { throw CancellationError() }
        func found(_ subject: String) -> [String] {
            findings.filter { $0["subject"] == .string(subject) }
                .map { "\($0["verdict"]?.string ?? "") \($0["text"]?.string ?? "")" }
        }
        let gateways = found("gateway")
        try #require(gateways.count == 2, "\(gateways)")
        #expect(gateways[0].hasPrefix("bad \(nobody) cannot be reached"), "\(gateways)")
        #expect(gateways[1] == "good \(daemons.link) greets us", "\(gateways)")
        #expect(found("link keys").count == 2 && found("link keys")[1].contains(daemons.link))
        #expect(outcome.code == 2)
    }

    @Test("a wrong configuration is named, and what it names is not looked at")
    func wrongConfiguration() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("perigeed.toml")
        try "[station]\nidd = \"a\"\n".write(toFile: path, atomically: true, encoding: .utf8)
        let (code, found) = try verdicts(["--config", path, "--url", try freeURL()])
        #expect(code == 2 && found["configuration"]?.text.contains("idd") == true)
        #expect(found["gateway"] == nil && found["clock"] != nil)
    }

    @Test("a port that another program has is found; a daemon that answers is asked how it is")
    func ports() throws {
        let folder = try TemporaryFolder()
        let other = try RawServer(answer: Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8))
        let missing = ["--config", folder.file("none.toml")]
        #expect(try verdicts(missing + ["--url", other.url]).1["http"]?.verdict == "bad")
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.station().description)
        let found = try verdicts(missing + ["--url", server.url]).1
        #expect(found["http"]?.verdict == "good" && found["daemon"]?.verdict == "warning")
    }

    @Test("for people it fits 40 columns and ends with a count")
    func narrow() throws {
        let folder = try TemporaryFolder()
        let terminal = try PseudoTerminal(
            ["doctor", "--config", folder.file("none.toml"), "--url", try freeURL()], columns: 40,
            environment: ["NO_COLOR": "1"])
        let (code, text) = try terminal.finish()
        #expect(code == 2 && text.contains("not seen"))
        for line in text.split(separator: "\n") { #expect(line.count <= 40, "\(line)") }
    }

    /// Keys as `Daemons` finds them: the station `test` and its gateway know each other.
    static func makeKeys(_ folder: TemporaryFolder) throws {
        let keys = folder.file("keys")
        try FileManager.default.createDirectory(atPath: keys, withIntermediateDirectories: true)
        try Programs.succeed("keys", "gen", "-d", keys, "gateway")
        try Programs.succeed("keys", "gen", "-d", keys, "station")
        try Programs.succeed("keys", "allow", "-d", keys, "test", "\(keys)/station.pub")
    }
}
