import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("perigee replay", .timeLimit(.minutes(10)))
struct ReplayCommandTests {
    /// Packets of the archive as "epoch number checksum".
    private func archived(_ daemons: Daemons) throws -> [String] {
        let list = try Programs.succeed("archive", "list", "--json", "--packets", daemons.archive).json()
        guard case .array(let packets)? = list["packets"] else { throw CancellationError() }
        return packets.map {
            "\($0["station"]?.string ?? "") \($0["epoch"]?.string ?? "") \($0["number"]?.int ?? 0) \($0["crc"]?.string ?? "")"
        }.sorted()
    }

    @Test("exported packets reach the gateway under their epoch and numbers, as often as they are replayed")
    func replays() async throws {
        let daemons = try Daemons()
        try DoctorCommandTests.makeKeys(daemons.folder)
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        try Programs.succeed(
            "simulate", "--publish", "--places", "5", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.wait("frames") { $0["ledger"]?["spooled"]?.int == 5 }
        daemons.killStation()
        let file = daemons.folder.file("station.packets")
        let export = try Programs.succeed("spool", "export", "--json", "-o", file, daemons.folder.file("spool")).json()
        let count = try #require(export["packets"]?.int)
        #expect(count >= 5)
        #expect(try permissions(file) == 0o600)
        let words = ["replay", "--json", "--config", daemons.folder.file("perigeed.toml"), file]
        // nobody there yet
        let alone = try Programs.perigee(words + ["--wait", "1"])
        #expect(alone.code == 69 && alone.errors.contains("\(count) of \(count) packets are left"), "\(alone.errors)")
        try daemons.startGateway()
        let first = try Programs.perigee(words)
        #expect(first.code == 0, "\(first.errors)")
        #expect(try first.json()["acknowledged"]?.int == count && first.json()["sent"]?.int == count)
        let packets = try archived(daemons)
        #expect(packets.count == count && packets.allSatisfy { $0.hasPrefix("test ") })
        // again: the gateway has them all
        let again = try Programs.perigee(words)
        #expect(again.code == 0)
        #expect(try again.json()["acknowledged"]?.int == count && again.json()["sent"]?.int == 0)
        #expect(try archived(daemons) == packets)
        // the station's own spool still has them, and nothing is filed twice
        try daemons.startStation()
        try await daemons.wait("delivery") {
            $0["ledger"]?["waiting"]?.int == 0 && $0["link"]?["held_packets"]?.int == 0
        }
        #expect(try archived(daemons) == packets)
        // what is older than the gateway's history is not sent
        try Programs.succeed(
            "simulate", "--publish", "--places", "1", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.wait("the next frame") { $0["ledger"]?["delivered"]?.int == 6 }
        daemons.killStation()
        let old = try Programs.perigee(words)
        #expect(old.code == 65 && old.errors.contains("went on after the export"), "\(old.code) \(old.errors)")
    }

    @Test("of several gateways it takes the one that the station had last, or the one that is named")
    func severalGateways() async throws {
        let daemons = try Daemons()
        let nobody = try daemons.preferAnotherGateway()
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        try Programs.succeed(
            "simulate", "--publish", "--places", "2", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.wait("frames") { $0["ledger"]?["spooled"]?.int == 2 }
        daemons.killStation()
        let file = daemons.folder.file("station.packets")
        try Programs.succeed("spool", "export", "-o", file, daemons.folder.file("spool"))
        try daemons.startGateway()
        let words = ["replay", "--json", "--config", daemons.folder.file("perigeed.toml"), file]
        let other = try Programs.perigee(words + ["--gateway", "tcp://elsewhere:1"])
        #expect(other.code == 64, "\(other.errors)")
        #expect(other.errors.contains(nobody) && other.errors.contains(daemons.link), "\(other.errors)")
        #expect(try Programs.perigee(words + ["--gateway", nobody, "--wait", "1"]).code == 69)
        let named = try Programs.perigee(words + ["--gateway", daemons.link])
        #expect(named.code == 0, "\(named.errors)")
        #expect(try named.json()["gateway"] == .string(daemons.link))
        let count = try archived(daemons).count
        #expect(count >= 2)
        // the station finds the second one by itself, and its status says so to the next replay
        try daemons.startStation()
        try await daemons.wait("delivery", seconds: 180) {
            $0["link"]?["gateway"] == .string(daemons.link) && $0["ledger"]?["waiting"]?.int == 0
        }
        daemons.killStation()
        let last = try Programs.perigee(words)
        #expect(last.code == 0, "\(last.errors)")
        #expect(try last.json()["gateway"] == .string(daemons.link))
        #expect(try archived(daemons).count == count)
    }

    @Test("a file that is cut or changed anywhere is refused before anything is sent")
    func damaged() async throws {
        let daemons = try Daemons()
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        try Programs.succeed(
            "simulate", "--publish", "--places", "1", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.wait("a frame") { $0["ledger"]?["spooled"]?.int == 1 }
        daemons.killStation()
        let file = daemons.folder.file("station.packets"), bad = daemons.folder.file("bad.packets")
        try Programs.succeed("spool", "export", "-o", file, daemons.folder.file("spool"))
        let whole = try Data(contentsOf: URL(filePath: file))
        func refuses(_ data: Data, _ what: String) throws {
            try data.write(to: URL(filePath: bad))
            let outcome = try Programs.perigee(["replay", "--config", daemons.folder.file("perigeed.toml"), bad])
            #expect(outcome.code == 65 && outcome.errors.contains("bad.packets"), "\(what): \(outcome.errors)")
        }
        var generator = SeededGenerator(seed: 10)
        for cut in [0, 4, 5, 6, 40, whole.count - 1] { try refuses(whole.prefix(cut), "cut at \(cut)") }
        try refuses(whole + Data([0]), "longer")
        for _ in 0..<20 {
            var changed = whole
            let place = Int.random(in: 0..<whole.count, using: &generator)
            changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            try refuses(changed, "octet \(place)")
        }
        let missing = try Programs.perigee(["replay", daemons.folder.file("none.packets")])
        #expect(missing.code == 69)
        let configuration = try Programs.perigee(["replay", "--config", daemons.folder.file("none.toml"), file])
        #expect(configuration.code == 78)
    }

    private func permissions(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? -1
    }
}
