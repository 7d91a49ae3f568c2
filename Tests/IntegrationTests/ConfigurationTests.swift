import Foundation
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import PerigeeTransport
import Testing

private let tenMistakes = """
    [station]
    id = "Station One"
    [intake]
    endpoints = [{ mode = "push", endpoint = "tcp://127.0.0.1:*" }]
    [limits]
    frame_byte = 7
    header_bytes = "64 kilo"
    [encoder]
    target = "0.5x"
    lanes = -1
    [gateway]
    endpoint = "nowhere"
    drain_seconds = 1.5
    [link]
    windows = [{ from = "6:30", to = "07:00" }]
    [spool]
    quota_bytes = "1 KiB"
    """

private let tenMistakesOfGateway = """
    archive = 3
    [gateway]
    endpoint = "nowhere"
    insecure = "no"
    [limits]
    station = 5
    stations = 0
    station_bytes_per_second = -1
    station_waiting_bytes = "1 B"
    [http]
    listen = "everywhere"
    [status]
    file = 3
    [keys]
    secrets = ""
    """

@Suite("Configurations")
struct ConfigurationTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func check(_ program: String, _ file: String, _ words: [String] = []) throws -> Programs.Outcome {
        try Programs.run(Programs.folder + "/" + program, ["--config", file, "--check"] + words)
    }

    @Test(
        "a file with ten mistakes has ten messages, each with its line, and exit code 78",
        arguments: [("perigeed", tenMistakes), ("perigee-gateway", tenMistakesOfGateway)])
    func tenMessages(program: String, text: String) throws {
        let file = folder.file("bad.toml")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try check(program, file)
        #expect(outcome.code == 78)
        let lines = outcome.errors.split(separator: "\n").filter { $0.contains("bad.toml:") }
        #expect(lines.count == 10, "\(outcome.errors)")
        let started = try Programs.run(Programs.folder + "/" + program, ["--config", file])
        #expect(started.code == 78 && started.errors == outcome.errors)
    }

    @Test("what is no file of text has a message and exit code 78", arguments: ["perigeed", "perigee-gateway"])
    func noText(program: String) throws {
        let latin = folder.file("latin.toml")
        try Data([0x61, 0x3D, 0x22, 0xE4, 0x22]).write(to: URL(filePath: latin))
        for (file, message) in [
            (folder.file("none.toml"), "cannot be opened"), (folder.path, "cannot be read"),
            (latin, "is no UTF-8 text"),
        ] {
            let outcome = try check(program, file)
            #expect(outcome.code == 78 && outcome.errors.contains(message), "\(outcome.errors)")
        }
    }

    @Test("the command line goes before the file and is checked like it")
    func overrides() throws {
        let file = folder.file("gateway.toml")
        try "[gateway]\nendpoint = \"tcp://*:1\"".write(toFile: file, atomically: true, encoding: .utf8)
        let open = try check("perigee-gateway", file)
        #expect(open.code == 78 && open.errors.contains("gateway.endpoint"), "\(open.errors)")
        let good = try check("perigee-gateway", file, ["--set", "gateway.endpoint=tcp://127.0.0.1:1"])
        #expect(good.code == 0 && good.output.contains("good"), "\(good.errors)")
        let wrong = try check(
            "perigee-gateway", file, ["--set", "gateway.insecure=true", "--set", "limits.stations=0", "--set", "x=1"])
        #expect(wrong.code == 78 && wrong.errors.contains("--set: limits.stations is 0, must be 1 to 100000"))
        #expect(wrong.errors.contains("--set: x is no key of this file"))
    }

    @Test("log.level counts from the next reload on: debug has a line for each frame", .timeLimit(.minutes(10)))
    func logLevel() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        try daemons.startStation()
        try await daemons.wait("the start") { $0["configuration"]?["generation"]?.int == 1 }
        func publish(_ count: Int, from first: Int) throws {
            try Programs.succeed(
                "simulate", "--publish", "--endpoint", daemons.frames, "--rows", "40", "--columns", "40", "--places",
                "\(count)", "--first-place", "\(first)")
        }
        try publish(1, from: 0)
        try await daemons.waitForDelivery(1)
        for name in ["perigeed.toml", "gateway.toml"] {
            let before = try String(contentsOfFile: daemons.folder.file(name), encoding: .utf8)
            try (before + "\n[log]\nlevel = \"debug\"\n").write(
                toFile: daemons.folder.file(name), atomically: true, encoding: .utf8)
        }
        daemons.reload()
        try await daemons.wait("the reload") { $0["configuration"]?["generation"]?.int == 2 }
        try await daemons.waitForGateway("the reload") { $0["configuration"]?["generation"]?.int == 2 }
        try publish(3, from: 1)
        try await daemons.waitForDelivery(4)
        #expect(daemons.stopStation() == 0)
        let lines = daemons.log.split(separator: "\n").filter { $0.contains("level=debug") }
        for frame in 1...3 {
            #expect(lines.count { $0.contains("event=frame_stored") && $0.contains("frame=\(frame) ") } == 1)
            #expect(lines.count { $0.contains("event=frame_settled") && $0.contains("frame=\(frame) ") } == 1)
        }
        #expect(!lines.contains { $0.contains(" frame=0 ") })
        let gateway = try String(contentsOfFile: daemons.folder.file("gateway.log"), encoding: .utf8)
        #expect(gateway.contains("level=debug event=packets_stored station=test"))
    }

    @Test("SIGHUP puts a good file in force, refuses a bad one, and stops nobody", .timeLimit(.minutes(10)))
    func reloads() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        try daemons.startStation()
        func generation(_ status: JSONValue) -> Int? { status["configuration"]?["generation"]?.int }
        func append(_ text: String) throws {
            for (name, more) in [("perigeed.toml", text), ("gateway.toml", "[limits]\nstations = 5\n")] {
                let before = try String(contentsOfFile: daemons.folder.file(name), encoding: .utf8)
                try (before + "\n" + more).write(toFile: daemons.folder.file(name), atomically: true, encoding: .utf8)
            }
        }
        try await daemons.wait("the start") { generation($0) == 1 }
        try await daemons.waitForGateway("the start") { generation($0) == 1 }
        try append("[link]\nrate_bits_per_second = 1_000_000\n")
        daemons.reload()
        try await daemons.wait("the reload") { generation($0) == 2 && $0["configuration"]?["last_error"] == .null }
        try await daemons.waitForGateway("the reload") { generation($0) == 2 }
        // a table that is there twice
        try append("[link]\n")
        daemons.reload()
        try await daemons.wait("the refusal") { generation($0) == 2 && $0["configuration"]?["last_error"] != .null }
        try await daemons.waitForGateway("the refusal") { $0["configuration"]?["last_error"] != .null }
        #expect(daemons.isStationRunning && daemons.log.contains("event=configuration_refused"))
        #expect(daemons.stopStation() == 0)
    }
}
