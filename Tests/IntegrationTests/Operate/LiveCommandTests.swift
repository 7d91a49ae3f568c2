import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("perigee top and tap", .timeLimit(.minutes(10)))
struct LiveCommandTests {
    private static let escape = "\u{1B}"

    @Test("top draws anew, follows the window's size, and gives the terminal back at q")
    func draws() throws {
        let server = try StatusServer()
        let example = try StatusExamples.station()
        server.serve("/status.json", example.description)
        let terminal = try PseudoTerminal(["top", "--url", server.url], columns: 80)
        try terminal.wait("the first picture") { $0.contains("station svalbard-1") && $0.contains("q ends") }
        #expect(!terminal.isCooked && terminal.output.contains("\(Self.escape)[?1049h"))
        let next = example.with(["station"], .string("tromso-2")).with(["intake", "bytes"], .integer(912_445_678))
            .with(["updated"], .string("2026-11-21T17:30:13.004Z"))
        server.serve("/status.json", next.description)
        try terminal.wait("the next picture, with rates") {
            $0.contains("station tromso-2") && $0.contains("now 100 kB/s in")
        }
        terminal.clear()
        terminal.resize(columns: 40, rows: 12)
        try terminal.wait("the small window") { $0.contains("more in a larger window") }
        let picture = try #require(terminal.output.components(separatedBy: "\(Self.escape)[H").last)
        let plain = picture.replacing(/\x1B\[[0-9;?]*[A-Za-z]/, with: "")
        for line in plain.split(separator: "\r\n") { #expect(line.count <= 40, "\(line)") }
        terminal.type("xq")
        let (code, text) = try terminal.finish()
        #expect(code == 0 && terminal.isCooked && text.hasSuffix("\(Self.escape)[?25h\(Self.escape)[?1049l"))
    }

    @Test("an interrupt gives the terminal back as well, and NO_COLOR leaves colours out")
    func interrupted() throws {
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.gateway().description)
        let terminal = try PseudoTerminal(
            ["top", "--url", server.url], columns: 80, environment: ["NO_COLOR": "1"])
        try terminal.wait("a picture") { $0.contains("q ends") }
        terminal.process.interrupt()
        let (code, text) = try terminal.finish()
        #expect(code == 0 && terminal.isCooked && text.contains("\(Self.escape)[?1049l"))
        #expect(!text.contains(/\x1B\[[0-9;]*m/))
    }

    @Test("top goes on where its daemon is gone for a while")
    func goesOn() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("status.json")
        func write(state: String) throws {
            let status = try StatusExamples.station().with(["updated"], .string(Date.now.formatted(.iso8601)))
                .with(["state"], .string(state))
            try status.description.write(toFile: path, atomically: true, encoding: .utf8)
        }
        try write(state: "running")
        let terminal = try PseudoTerminal(["top", "--file", path], columns: 80)
        try terminal.wait("a picture") { $0.contains("station svalbard-1") }
        try write(state: "stopped")
        try terminal.wait("word of its end") { $0.contains("no answer") && $0.contains("does not run") }
        terminal.clear()
        try write(state: "running")
        try terminal.wait("its return") { $0.contains("station svalbard-1") }
        terminal.type("q")
        #expect(try terminal.finish().code == 0)
    }

    @Test("top without a terminal is a usage error, except with --json, a line each time")
    func lines() throws {
        let server = try StatusServer()
        let example = try StatusExamples.station()
        server.serve("/status.json", example.description)
        let refused = try Programs.perigee(["top", "--url", server.url])
        #expect(refused.code == 64 && refused.errors.contains("--json"))
        let process = try Follower(["top", "--json", "--url", server.url])
        let lines = try process.wait(lines: 2)
        #expect(try lines.allSatisfy { try JSONValue(parsing: Array($0.utf8)[...], depthLimit: 16) == example })
        #expect(process.interrupt() == 0)
    }

    @Test("tap shows the ring's last events and follows it, escaped, and tells of what was missed")
    func tap() throws {
        let server = try StatusServer()
        let example = try StatusExamples.example(3)
        server.serve("/events.json", example.description)
        let process = try Follower(["tap", "--past", "2", "--url", server.url])
        let past = try process.wait(lines: 2)
        #expect(past[0] == "17:30:11.700 surprise sensor=naip place=EPSG:32633 512000 8674560 score=4.2")
        #expect(past[1] == "17:30:12.000 link state=live")
        let event = JSONValue.object([
            "n": .integer(5_200), "time": .string("2026-11-21T17:31:00.000Z"), "kind": .string("frame_rejected"),
            "sensor": .string("evil\u{1B}[2J"),
        ])
        let next = example.with(["first"], .integer(5_200)).with(["last"], .integer(5_200))
            .with(["events"], .array([event]))
        server.serve("/events.json", next.description)
        let following = try process.wait(lines: 3)
        #expect(following[2] == "17:31:00.000 frame_rejected sensor=evil\\u{1b}[2J")
        #expect(process.interrupt() == 0)
        #expect(process.errors.contains("74 events came too fast"))
    }

    @Test("status, tap and doctor read a real station over HTTP")
    func realStation() async throws {
        let daemons = try Daemons(http: "127.0.0.1:0")
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        let url = try #require(daemons.log.firstMatch(of: /page=(http:\/\/127\.0\.0\.1:[0-9]+)/).map { String($0.1) })
        let follower = try Follower(["tap", "--json", "--past", "0", "--url", url])
        try Programs.succeed(
            "simulate", "--publish", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.wait("a frame") { $0["ledger"]?["spooled"]?.int == 1 }
        let status = try Programs.perigee(["status", "--json", "--url", url])
        #expect([0, 1].contains(status.code), "\(status.errors)")
        #expect(try status.json()["ledger"]?["spooled"]?.int == 1)
        let screen = try Programs.perigee(["status", "--url", url])
        #expect(screen.output.contains("station test") && screen.output.contains("sentinel-2-l2a"))
        let doctor = try Programs.perigee([
            "doctor", "--json", "--url", url, "--config", daemons.folder.file("perigeed.toml"),
        ])
        guard case .array(let findings)? = try doctor.json()["findings"] else { throw CancellationError() }
        #expect(findings.contains { $0["subject"] == .string("http") && $0["verdict"] == .string("good") })
        // the frame's event may come before the follower's first look
        try Programs.succeed(
            "simulate", "--publish", "--seed", "2", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        var count = 1
        while try !follower.wait(lines: count).contains(where: { $0.contains("frame_stored") }) { count += 1 }
        #expect(follower.interrupt() == 0)
    }

    @Test("tap of a daemon that is not there, or of another one, ends at once")
    func noRing() throws {
        let free = try RawServer(answer: [])
        free.close()
        #expect(try Programs.perigee(["tap", "--url", free.url]).code == 69)
        let server = try StatusServer()
        server.serve("/events.json", "{}")
        #expect(try Programs.perigee(["tap", "--json", "--url", server.url]).code == 65)
    }
}

/// A command that goes on until it is ended, with what it writes in files.
final class Follower {
    private let process = Process()
    private let folder: TemporaryFolder

    init(_ words: [String]) throws {
        folder = try TemporaryFolder()
        process.executableURL = URL(filePath: Programs.folder + "/perigee")
        process.arguments = words
        process.standardOutput = try Programs.writable(folder.file("output"))
        process.standardError = try Programs.writable(folder.file("errors"))
        try process.run()
    }

    deinit {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var errors: String { (try? String(contentsOfFile: folder.file("errors"), encoding: .utf8)) ?? "" }

    /// Waits for so many lines of output.
    func wait(lines count: Int) throws -> [String] {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while true {
            let text = (try? String(contentsOfFile: folder.file("output"), encoding: .utf8)) ?? ""
            let lines = text.split(separator: "\n").map(String.init)
            if lines.count >= count { return lines }
            try #require(process.isRunning && ContinuousClock.now < deadline, "\(lines.count) lines: \(errors)")
            usleep(20_000)
        }
    }

    /// As Ctrl-C; answers the exit code.
    func interrupt() -> Int32 {
        process.interrupt()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }
}
