import Foundation
import PerigeeConfig
import PerigeeCore
import PerigeeJSON
import PerigeeTestSupport
import Testing

private let minimum = "[intake]\nendpoints = [{ mode = \"pull\", endpoint = \"tcp://*:1\" }]\n"

/// A station's file in a folder of its own.
private struct Setup {
    let folder: TemporaryFolder
    var path: String { folder.file("perigeed.toml") }

    init(_ text: String) throws {
        folder = try TemporaryFolder()
        try write(text)
    }

    func write(_ text: String) throws { try (minimum + text).write(toFile: path, atomically: true, encoding: .utf8) }

    func read(_ overrides: [String] = []) throws -> StationConfiguration {
        try ConfigurationSource(path: path, overrides: overrides).read(StationConfiguration.self)
    }

    func problems(_ overrides: [String]) -> [String] {
        let error = #expect(throws: ConfigurationError.self) { try read(overrides) }
        return error?.problems.map(\.description) ?? []
    }
}

@Suite("What the command line sets")
struct OverrideTests {
    @Test("goes before the file, as a value of the file or as text")
    func overrides() throws {
        let setup = try Setup("[limits]\nheader_bytes = 2048\n[spool]\ndirectory = \"spool\"")
        let configuration = try setup.read([
            "limits.header_bytes=8 KiB", "limits.intake_bytes=\"2 GiB\"", "station.id=7", "encoder.target=50x",
            "gateway.insecure=true", " control.surprise = 4.5", "status.file=here/status.json",
            "encoder.overrides=[{ sensor = \"naip\", target = \"lossless\" }]", "encoder.lanes=1", "encoder.lanes=2",
        ])
        #expect(configuration.headerSizeLimit == 8_192 && configuration.intakeSizeLimit == 2 << 30)
        #expect(configuration.stationID == "7" && configuration.target == .ratio(50) && configuration.isInsecure)
        #expect(configuration.control.surprise == 4.5 && configuration.targets == ["naip": .lossless])
        #expect(configuration.lanes == 2, "the last one counts")
        // paths of the file are seen from its folder, those of the command line from where it was given
        #expect(configuration.spool.directory == setup.folder.file("spool"))
        #expect(configuration.statusFile == "here/status.json")
    }

    @Test("passes the same checks, and is named by its key")
    func problems() throws {
        let setup = try Setup("[limits]\nheader_byte = 2048")
        #expect(
            setup.problems(["encoder.lanes=many", "limits.frame_byte=1", "gateway.endpoint=nowhere", "classes=3"]) == [
                "--set: limits.frame_byte is no key of this file: did you mean limits.frame_bytes?",
                "--set: encoder.lanes is \"many\", must be an integer from 0 to 256",
                "--set: classes is 3, must be a list of tables, such as [{ name = value }]",
                "--set: gateway.endpoint is \"nowhere\", must be a ZeroMQ endpoint such as \"tcp://127.0.0.1:5570\"",
                "\(setup.path):4: limits.header_byte is no key of this file: did you mean limits.header_bytes?",
            ])
        for text in ["", "lanes", "=1", "encoder..lanes=1"] {
            #expect(setup.problems([text]).first?.hasPrefix("--set: \"\(text)\" is no key=value: ") == true)
        }
        #expect(setup.problems(["encoder.lanes=1\nx = 2"]).contains { $0.contains("must be an integer") })
    }

    @Test("sets above the defaults where there is no file")
    func defaults() throws {
        let settings = try ConfigurationSource(path: nil, overrides: ["limits.stations=5"]).read(GatewaySettings.self)
        #expect(settings.stationLimit == 5 && settings.endpoint == "tcp://*:5571")
    }
}

@Suite("Reload")
struct LiveConfigurationTests {
    private func live(_ setup: Setup, _ overrides: [String] = []) throws -> LiveConfiguration<StationConfiguration> {
        LiveConfiguration(
            try setup.read(overrides), from: ConfigurationSource(path: setup.path, overrides: overrides),
            now: Timestamp(milliseconds: 1))
    }

    @Test("a good file is taken as a whole; keys that wait for a start keep their values and are named")
    func takes() throws {
        let setup = try Setup("")
        var live = try live(setup, ["encoder.lanes=3"])
        try setup.write(
            "[encoder]\ntarget = \"50x\"\nlanes = 9\n[gateway]\nendpoint = \"tcp://other:1\"\ndrain_seconds = 3")
        var applied: [StationConfiguration] = []
        #expect(live.reload(now: Timestamp(milliseconds: 2)) { applied.append($0) })
        #expect(applied == [live.current] && live.generation == 2 && live.loadedAt.milliseconds == 2)
        #expect(live.current.target == .ratio(50) && live.current.drainSeconds == 3)
        #expect(live.current.gatewayEndpoint == "tcp://127.0.0.1:5571" && live.current.lanes == 3)
        #expect(live.restartNeeded == ["gateway.endpoint"] && live.lastError == nil)
        #expect(live.json["generation"]?.int == 2 && live.json["restart_needed"] == .strings(["gateway.endpoint"]))
        try setup.write("")
        #expect(live.reload(now: Timestamp(milliseconds: 3)) { _ in })
        #expect(live.restartNeeded == [] && live.generation == 3 && live.current.target == .ratio(300))
    }

    @Test("a file with a mistake, or one that cannot be put in force, changes nothing but the last error")
    func refuses() throws {
        let setup = try Setup("")
        var live = try live(setup)
        let before = live.current
        try setup.write("[encoder]\ntarget = \"50x\"\nlane = 9\n[limits]\nheader_bytes = 1")
        #expect(!live.reload(now: Timestamp(milliseconds: 2)) { _ in Issue.record("put in force") })
        #expect(live.current == before && live.generation == 1 && live.loadedAt.milliseconds == 1)
        #expect(live.lastError?.split(separator: "\n").count == 2, "\(live.lastError ?? "")")
        try setup.write("[encoder]\ntarget = \"50x\"")
        #expect(
            !live.reload(now: Timestamp(milliseconds: 3)) { _ in
                throw FormatError.truncated(field: "x", needed: 1, available: 0)
            })
        #expect(live.current == before && live.lastError != nil)
        try FileManager.default.removeItem(atPath: setup.path)
        #expect(!live.reload(now: Timestamp(milliseconds: 4)) { _ in })
        #expect(live.current == before && live.lastError?.contains("cannot be opened") == true)
        try setup.write("[encoder]\ntarget = \"50x\"")
        #expect(live.reload(now: Timestamp(milliseconds: 5)) { _ in })
        #expect(live.generation == 2 && live.lastError == nil && live.json["last_error"] == .null)
    }
}
