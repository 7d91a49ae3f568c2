import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("perigee spool discard", .timeLimit(.minutes(10)))
struct DiscardCommandTests {
    @Test("the running daemon gives up what is chosen, and the gateway hears that a person did it")
    func discards() async throws {
        let daemons = try Daemons()
        try daemons.startStation()
        let spool = daemons.folder.file("spool")
        for (place, count) in [(0, 2), (2, 1)] {
            try Programs.succeed(
                "simulate", "--publish", "--endpoint", daemons.frames, "--rows", "40", "--columns", "40", "--places",
                "\(count)", "--first-place", "\(place)")
        }
        try await daemons.wait("three frames") { $0["ledger"]?["waiting"]?.int == 3 }
        let sensor = try #require(daemons.status?["sensors"].flatMap(firstName))

        // nothing goes without --yes, and nothing that fits not every word
        let words = ["spool", "discard", "--sensor", sensor, "--frames", "0-1"]
        let asked = try Programs.perigee(words + [spool])
        #expect(asked.code == 0 && asked.output.contains("would give up 2 frames"), "\(asked.output)\(asked.errors)")
        let none = try Programs.perigee(["spool", "discard", "--sensor", "none", "--yes", "--json", spool]).json()
        #expect(none["frames"]?.int == 0 && none["discarded"] == .bool(true))
        let young = try Programs.perigee(["spool", "discard", "--older-than", "90000", "--yes", "--json", spool]).json()
        #expect(young["frames"]?.int == 0)
        #expect(daemons.status?["ledger"]?["waiting"]?.int == 3)

        let done = try Programs.perigee(words + ["--yes", "--json", spool]).json()
        #expect(done["frames"]?.int == 2 && done["packets"]?.int ?? 0 >= 2 && done["bytes"]?.int ?? 0 > 0)
        try await daemons.wait("the ledger") { status in
            let ledger = status["ledger"]
            return ledger?["waiting"]?.int == 1 && ledger?["dropped"]?["discarded"]?.int == 2
                && ledger?["balanced"] == .bool(true)
        }
        #expect(daemons.log.contains("event=discarded frames=2"))

        // the rest arrives, and no hole is without its cause
        try daemons.startGateway()
        try await daemons.wait("delivery") {
            $0["ledger"]?["delivered"]?.int == 1 && $0["spool"]?["tombstones"]?.int == 0
        }
        #expect(daemons.stopStation() == 0)
        let gaps = try Programs.perigee(["archive", "gaps", daemons.archive])
        #expect(gaps.code == 0 && gaps.output.contains("discarded"), "\(gaps.output)")
    }

    private func firstName(_ value: JSONValue) -> String? {
        switch value {
        case .object(let members): members.first?.name
        case .array(let items): items.first?["sensor"]?.string ?? items.first?["name"]?.string
        default: nil
        }
    }

    @Test("without a daemon it is 69 and leaves nothing; without a choice, or with a wrong one, 64")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let none = try Programs.perigee(["spool", "discard", "--older-than", "0", "--yes", folder.path])
        #expect(none.code == 69 && none.errors.contains("systemctl start perigeed"), "\(none.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        for (words, text) in [
            ([], "--older-than 0"), (["--frames", "6-3"], "such as 12-40"), (["--frames", "x"], "such as 12-40"),
            (["--older-than", "-1"], "a whole number"),
        ] {
            let outcome = try Programs.perigee(["spool", "discard"] + words + [folder.path])
            #expect(outcome.code == 64 && outcome.errors.contains(text), "\(words): \(outcome.errors)")
        }
    }
}
