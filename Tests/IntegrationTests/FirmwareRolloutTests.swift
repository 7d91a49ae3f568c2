import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// A new firmware on a real station: installed, tried, kept or taken back.
@Suite("firmware on a station", .timeLimit(.minutes(10)))
struct FirmwareRolloutTests {
    let daemons: Daemons
    let folder: TemporaryFolder

    init() throws {
        daemons = try Daemons(target: "1000x")
        folder = daemons.folder
        try FileManager.default.createDirectory(
            atPath: folder.file("firmware-keys"), withIntermediateDirectories: true)
        try Programs.succeed(
            "firmware", "keygen", "--secret-key", folder.file("release.key"),
            "--public-key", folder.file("firmware-keys/release.pub"), "--no-password")
    }

    private func install(_ release: Int) throws -> String {
        let file = folder.file("release-\(release).tar")
        let packed = try Programs.succeed(
            "firmware", "pack", SharedData.packageRoot + "/Firmware/perigee-1", "--release", "\(release)",
            "-o", file, "--secret-key", folder.file("release.key"), "--json"
        ).json()
        try Programs.succeed(
            "firmware", "install", file, "--slots", folder.file("slots"), "--keys", folder.file("firmware-keys"))
        guard case .string(let id)? = packed["firmware"] else { return "" }
        return id
    }

    func publish(_ first: Int, _ count: Int) throws {
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--places", "\(count)", "--first-place", "\(first)",
            "--rows", "16", "--columns", "16")
    }

    @Test("it is tried as soon as the station has nothing to do, and kept after fifty frames")
    func kept() async throws {
        try daemons.startGateway()
        try daemons.startStation()
        try await daemons.wait("the package's bundle") { $0["firmware"]?["source"] == .string("package") }
        try publish(0, 2)
        try await daemons.waitForDelivery(2)
        let id = try install(2)
        try await daemons.wait("the trial") { $0["firmware"]?["trial"]?["start"]?.int == 1 }
        #expect(daemons.status?["firmware"]?["id"] == .string(id))
        try publish(2, 50)
        try await daemons.wait("the verdict") { $0["firmware"]?["trial"] == .null }
        #expect(daemons.status?["firmware"]?["source"] == .string("a"))
        let state = try Programs.succeed("firmware", "ls", "--slots", folder.file("slots"), "--json").json()
        #expect(state["active"] == .string("a") && state["previous"] == .string("package"))
        #expect(daemons.stopStation() == 0, "\(daemons.log)")
        let listed = try Programs.succeed("archive", "list", daemons.archive, "--json").json()
        guard case .array(let frames)? = listed["frames"] else {
            Issue.record("no frames")
            return
        }
        #expect(frames.count == 52)
    }

    @Test("one that does not live through three starts gives way to the bundle before")
    func returned() async throws {
        _ = try install(3)
        for number in 1...3 {
            try daemons.startStation()
            try await daemons.wait("start \(number)") { $0["firmware"]?["trial"]?["start"]?.int == number }
            daemons.killStation()
        }
        try daemons.startStation()
        try await daemons.wait("the package's bundle") { $0["firmware"]?["source"] == .string("package") }
        #expect(daemons.log.contains("not confirmed after 3 starts"))
        let log = try String(contentsOfFile: folder.file("slots/trial-failed.log"), encoding: .utf8)
        #expect(log.contains("start 3, self-test passed"))
        #expect(daemons.stopStation() == 0)
    }

    @Test("one that is damaged on disk is given up at the next start")
    func damaged() async throws {
        _ = try install(4)
        let model = URL(filePath: folder.file("slots/a/model.safetensors"))
        var octets = try Data(contentsOf: model)
        octets[octets.count / 2] ^= 1
        try octets.write(to: model)
        try daemons.startStation()
        try await daemons.wait("the package's bundle") { $0["firmware"]?["source"] == .string("package") }
        #expect(daemons.log.contains("model.safetensors has SHA-256"))
        #expect(daemons.stopStation() == 0)
    }
}

extension FirmwareRolloutTests {
    @Test("one that the gateway offers is fetched, tried and kept, and the gateway knows")
    func offered() async throws {
        let offers = folder.file("archive/firmware/offers")
        try FileManager.default.createDirectory(atPath: offers, withIntermediateDirectories: true)
        try Programs.succeed(
            "firmware", "pack", SharedData.packageRoot + "/Firmware/perigee-1", "--release", "7",
            "-o", offers + "/seven.tar", "--secret-key", folder.file("release.key"))
        try daemons.startGateway()
        try daemons.startStation()
        try await daemons.wait("the trial") { $0["firmware"]?["trial"]?["start"]?.int == 1 }
        #expect(daemons.status?["firmware"]?["version"] == .string("7"))
        try publish(0, 50)
        try await daemons.waitForGateway("the verdict") { status in
            status["firmware"]?["stations"]?["test"]?["stage"] == .string("committed")
        }
        #expect(daemons.status?["firmware"]?["source"] == .string("a"))
        #expect(daemons.stopStation() == 0, "\(daemons.log)")
    }
}
