import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("alerts of a station", .timeLimit(.minutes(10)))
struct StationAlertTests {
    private func status(_ bench: Bench) throws -> JSONValue {
        bench.station.writeStatus()
        let text = try Data(contentsOf: URL(filePath: bench.folder.file("status.json")))
        return try JSONValue(parsing: Array(text)[...], depthLimit: 16)
    }

    private func alerts(_ status: JSONValue) -> [String: JSONValue] {
        guard case .array(let list)? = status["alerts"] else { return [:] }
        return Dictionary(list.map { ($0["name"]?.string ?? "", $0) }) { first, _ in first }
    }

    private func send(_ bench: Bench, _ sequences: [Int], sensor: String = "generic") throws {
        for sequence in sequences {
            let frame = try frame(sensor: sensor, bands: ["a"], type: .uint16, rows: 8, columns: 8) {
                UInt8(truncatingIfNeeded: $0)
            }
            try bench.send(FrameMessage.pack(frame, run: "r", sequence: sequence))
        }
    }

    @Test("frames that never came are a mark, an alert with figures and remedy, and a line of the log; health says so")
    func loss() throws {
        let bench = try Bench()
        #expect(alerts(try status(bench))["SourceLoss"] == nil)
        try send(bench, [0, 5])
        bench.waitUntilSpooled(2)
        let told = try status(bench)
        let alert = try #require(alerts(told)["SourceLoss"])
        #expect(
            alert["text"]?.string?.contains("4 frames of generic") == true && alert["severity"] == .string("ticket"))
        #expect(alert["remedy"]?.string?.isEmpty == false && told["health"] != .string("ok"))
        #expect(told["sensors"]?["generic"]?["mark"] == .string("gap"))
        // it goes on with its beginning
        #expect(alerts(try status(bench))["SourceLoss"]?["since"] == alert["since"])
        let ended = try bench.finish(received: 2)
        #expect(ended.status["backlog"]?["packets"]?.int == 0)
        #expect(try bench.log.wait(for: "alert").contains("name=SourceLoss"))
    }

    @Test("frames given up for want of room are a page, with their class")
    func drops() throws {
        let bench = try Bench(spool: "quota_bytes = \"1 MiB\"\nreserved_bytes = 0", isHeld: true)
        _ = try status(bench)
        var sequence = 0
        var told = try status(bench)
        while alerts(told)["DropsStarted"] == nil, sequence < 4_000 {
            try send(bench, Array(sequence..<sequence + 50), sensor: "my-camera")
            sequence += 50
            while bench.station.counters.spooled + bench.station.counters.rejectedTotal < sequence { usleep(2_000) }
            told = try status(bench)
        }
        let alert = try #require(alerts(told)["DropsStarted"])
        #expect(alert["severity"] == .string("page") && told["health"] == .string("failing"))
        #expect(try #require(told["ledger"]?["dropped"]?["quota"]?.int) > 0)
        #expect(try #require(told["spool"]?["quota_bytes"]?.int) == 1_048_576)
        bench.gateway.release()
        _ = try bench.finish(received: sequence)
    }
}
