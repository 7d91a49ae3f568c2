import Foundation
import PerigeeJSON
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("The real daemons with keys")
struct KeysEndToEndTests {
    /// The words of `perigee simulate` that sends `count` small frames.
    private func simulation(_ daemons: Daemons, _ count: Int) -> [String] {
        [
            "simulate", "--publish", "--endpoint", daemons.frames, "--places", "\(count)", "--rows", "64", "--columns",
            "64",
        ]
    }

    /// Letters of all secrets in a folder of keys.
    private func secrets(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".secret") }.map { name in
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            return try #require(text.split(separator: "\n").last.map(String.init))
        }
    }

    @Test(
        "enrolled as Docs/security.md says, a station delivers, and no secret is in any file that a daemon writes",
        .timeLimit(.minutes(10)))
    func enrolled() async throws {
        let daemons = try Daemons()
        let keys = daemons.folder.file("keys")
        try Programs.succeed("keys", "gen", "gateway", "-d", keys)
        try Programs.succeed("keys", "gen", "station", "-d", keys)
        try Programs.succeed("keys", "allow", "test", keys + "/station.pub", "-d", keys)
        try daemons.startGateway()
        try daemons.startStation()
        #expect(try Programs.perigee(simulation(daemons, 3)).code == 0)
        try await daemons.waitForDelivery(3)
        #expect(daemons.stopStation() == 0)
        let text = try String(contentsOfFile: daemons.folder.file("gateway.json"), encoding: .utf8)
        let status = try JSONValue(parsing: Array(text.utf8)[...], depthLimit: 16)
        #expect(status["keys"]?["connections_admitted"]?.int == 1 && status["keys"]?["stations"]?.int == 1)
        #expect(!daemons.log.contains("unprotected"))
        let letters = try secrets(keys)
        #expect(letters.count == 2)
        let all = FileManager.default.enumerator(atPath: daemons.folder.path)?.compactMap { $0 as? String } ?? []
        for name in all where !name.hasPrefix("keys/") {
            guard let data = FileManager.default.contents(atPath: daemons.folder.file(name)) else { continue }
            for secret in letters { #expect(data.range(of: Data(secret.utf8)) == nil, "\(name)") }
        }
    }

    @Test(
        "an intake with a list takes frames of its sources only, and of a new one without a restart",
        .timeLimit(.minutes(10)))
    func sources() async throws {
        let daemons = try Daemons(hasSources: true)
        let keys = daemons.folder.file("keys")
        let camera = daemons.folder.file("camera")
        try Programs.succeed("keys", "gen", "station", "-d", keys)
        try Programs.succeed("keys", "gen", "camera", "-d", camera)
        try FileManager.default.createDirectory(
            atPath: daemons.folder.file("sources"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: camera + "/camera.pub", toPath: daemons.folder.file("sources/Camera.pub"))
        try daemons.startGateway()
        try daemons.startStation()
        try await daemons.wait("the station") { $0["state"] == .string("running") }
        let words = simulation(daemons, 2)
        let withKeys = words + ["--secret", camera + "/camera.secret", "--server", keys + "/station.pub"]
        for stranger in [words, withKeys] {
            #expect(try Programs.perigee(stranger + ["--wait", "2"]).code == 69)
        }
        #expect(daemons.status?["ledger"]?["received"]?.int == 0)
        try FileManager.default.copyItem(
            atPath: camera + "/camera.pub", toPath: daemons.folder.file("sources/camera.pub"))
        // the list is read each second; until then the source is refused, and gives up
        var code: Int32 = 69
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while code == 69, ContinuousClock.now < deadline {
            code = try Programs.perigee(withKeys + ["--wait", "5"]).code
        }
        #expect(code == 0)
        try await daemons.waitForDelivery(2)
        #expect(daemons.stopStation() == 0)
        #expect(daemons.log.contains("level=warning event=source_denied"))
        #expect(
            daemons.log.contains("level=error event=key_file_unusable")
                && daemons.log.contains("Camera.pub is not named"))
    }

    @Test(
        "a station refuses what it cannot protect, with code 78 and the remedy",
        arguments: [
            ("a secret that others may read", "mode 0644", "chmod 600"),
            ("a gateway far away", "gateway.endpoint is tcp://192.0.2.1:5571", "perigee keys gen"),
            ("an open port", "intake.endpoints is tcp://*:5570", "insecure = true"),
            ("no key of its own", "keys/station.secret is not there", "perigee keys gen"),
        ])
    func refused(_ what: String, found: String, remedy: String) throws {
        let daemons = try Daemons()
        let keys = daemons.folder.file("keys")
        let file = daemons.folder.file("perigeed.toml")
        var text = try String(contentsOfFile: file, encoding: .utf8)
        switch what {
        case "a secret that others may read":
            try Programs.succeed("keys", "gen", "station", "-d", keys)
            chmod(keys + "/station.secret", 0o644)
        case "a gateway far away": text = text.replacingOccurrences(of: daemons.link, with: "tcp://192.0.2.1:5571")
        case "an open port": text = text.replacingOccurrences(of: daemons.frames, with: "tcp://*:5570")
        default:
            try Programs.succeed("keys", "gen", "gateway", "-d", keys)
        }
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: Programs.folder + "/perigeed")
        process.arguments = ["--check", "--config", file]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 78)
        #expect(said.contains(found) && said.contains(remedy), "\(said)")
    }
}
