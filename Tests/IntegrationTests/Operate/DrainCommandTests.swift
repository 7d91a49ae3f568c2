import Foundation
import PerigeeConcurrency
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite("perigee drain", .timeLimit(.minutes(10)))
struct DrainCommandTests {
    /// More than a station stores while a busy machine starts a command.
    private static let frames = 300

    private func archivedFrames(_ daemons: Daemons) throws -> Int {
        let list = try Programs.succeed("archive", "list", "--json", daemons.archive).json()
        guard case .array(let frames)? = list["frames"] else { throw CancellationError() }
        return frames.count
    }

    @Test(
        "a drained station has delivered all that it said was stored; resumed, it goes on, and nothing is lost or twice"
    )
    func acknowledged() async throws {
        let daemons = try Daemons(acknowledges: true)
        try daemons.startGateway()
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        let source = try AcknowledgedSource(daemons.frames, count: Self.frames)
        try await source.wait(stored: 10)
        let file = ["--file", daemons.folder.file("perigeed.json")]
        let drained = try Programs.perigee(["drain", "--json", "--wait", "120"] + file)
        #expect(drained.code == 0, "\(drained.errors) \(daemons.log)")
        #expect(try drained.json()["state"] == .string("drained"))
        #expect(try Programs.perigee(["status", "--json"] + file).json()["state"] == .string("drained"))
        // one more may be stored whose word is on its way
        let known = source.storedCount
        let archived = try archivedFrames(daemons)
        #expect((known...known + 1).contains(archived), "\(known) known, \(archived) archived")
        #expect(archived < Self.frames)
        try await daemons.wait("an empty ledger") { $0["ledger"]?["waiting"]?.int == 0 }
        #expect(try Programs.perigee(["drain"] + file).code == 0, "a drained station is drained at once")
        let resumed = try Programs.perigee(["drain", "--resume"] + file)
        #expect(resumed.code == 0 && resumed.output.contains("takes frames again"), "\(resumed.errors)")
        try await source.wait(stored: Self.frames)
        try await daemons.waitForDelivery(Self.frames)
        #expect(try archivedFrames(daemons) == Self.frames)
        let ledger = try #require(daemons.status?["ledger"])
        #expect(ledger["received"]?.int == Self.frames && ledger["balanced"] == .bool(true))
        #expect(daemons.status?["intake"]?["missed"]?.int == 0)
    }

    @Test("a pull intake lets its sources go while it is drained, and is there again afterwards")
    func pull() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        let file = ["--file", daemons.folder.file("perigeed.json")]
        try Programs.succeed(
            "simulate", "--publish", "--places", "3", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        #expect(try Programs.perigee(["drain", "--wait", "120"] + file).code == 0)
        #expect(try archivedFrames(daemons) == 3)
        let refused = try Programs.perigee([
            "simulate", "--publish", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames, "--wait", "1",
        ])
        #expect(refused.code == 69, "nobody takes frames")
        #expect(try Programs.perigee(["drain", "--resume"] + file).code == 0)
        try Programs.succeed(
            "simulate", "--publish", "--places", "2", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.waitForDelivery(5)
    }

    @Test("without a gateway it says after its time how much waits, with 69, and the station drains on")
    func patience() async throws {
        let daemons = try Daemons()
        try daemons.startStation()
        try await daemons.wait("its start") { $0["state"] == .string("running") }
        try Programs.succeed(
            "simulate", "--publish", "--places", "2", "--rows", "64", "--columns", "64", "--endpoint", daemons.frames)
        try await daemons.wait("frames") { $0["ledger"]?["spooled"]?.int == 2 }
        let file = ["--file", daemons.folder.file("perigeed.json")]
        let outcome = try Programs.perigee(["drain", "--wait", "2"] + file)
        #expect(outcome.code == 69 && outcome.errors.contains("packets wait"), "\(outcome.errors)")
        try daemons.startGateway()
        try await daemons.wait("the end of it") { $0["state"] == .string("drained") }
    }

    @Test("a process that is no station's daemon is told nothing")
    func otherProcess() throws {
        let server = try StatusServer()
        let own = Int(ProcessInfo.processInfo.processIdentifier)
        server.serve("/status.json", try StatusExamples.station().with(["pid"], .integer(own)).description)
        let outcome = try Programs.perigee(["drain", "--url", server.url])
        #expect(outcome.code == 69 && outcome.errors.contains("is no perigeed"))
        server.serve("/status.json", try StatusExamples.gateway().description)
        #expect(try Programs.perigee(["drain", "--url", server.url]).code == 64)
        let free = try RawServer(answer: [])
        free.close()
        #expect(try Programs.perigee(["drain", "--url", free.url]).code == 69)
    }
}
