import Foundation
import PerigeeCore
import PerigeeFirmware
import PerigeeFrameFormat
import PerigeeLink
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("What a station remembers of places", .timeLimit(.minutes(10)))
struct PlaceHistoryTests {
    @Test("layers that are wanted later count in references from then on; a predicted frame comes finer, too")
    func refinement() async throws {
        let bench = try Bench("[encoder]\ntarget = \"1000x\"", control: "kept_target = \"100x\"\nplaces = 0")
        try await fly(bench, 0)
        bench.gateway.want(.frame(number: 0, layers: 5))
        try await wait { bench.gateway.answers.count == 1 }
        #expect(bench.gateway.answers[0].outcome == .accepted && bench.gateway.answers[0].packets == 2)
        // memory hears of it behind the link and the spool: the first visits may be before
        var visit = 0
        var named: UInt64?
        while named == nil, visit < 8 {
            visit += 1
            try await fly(bench, visit)
            named = try references(bench).first { number, names in
                names.frames.contains { $0.back == number && $0.layers == 5 }
            }?.key
        }
        let predicted = try #require(named, "no frame leans on five layers of the first")
        bench.gateway.want(.frame(number: predicted, layers: 5))
        try await wait { bench.gateway.answers.count == 2 }
        #expect(bench.gateway.answers[1].outcome == .accepted && bench.gateway.answers[1].packets == 2)
        _ = try bench.finish(received: visit + 1)
    }

    @Test("layers of a predicted frame are made anew while memory has what it leans on; else the log says why not")
    func remade() async throws {
        // no ring of finer layers: they come from the raw frame
        let bench = try Bench(
            "[encoder]\ntarget = \"1000x\"", spool: "finer_ring_bytes = 0",
            control: "kept_target = \"100x\"\nplaces = 0")
        var visit = 0
        var found: [UInt64] = []
        while found.count < 2, visit < 12 {
            try await fly(bench, visit)
            visit += 1
            found = try references(bench).keys.sorted()
        }
        let first = try #require(found.first)
        let last = try #require(found.last)
        #expect(first < last)
        bench.gateway.want(.frame(number: first, layers: 255))
        try await wait { bench.gateway.answers.count == 1 }
        #expect(bench.gateway.answers[0].outcome == .accepted && bench.gateway.answers[0].packets > 2)
        #expect(bench.station.stop())
        _ = bench.gateway.finish()
        // without its memory the station cannot say more of what it predicted
        for name in ["memory.db", "memory.db-wal"] {
            try? FileManager.default.removeItem(atPath: bench.folder.file("spool/\(name)"))
        }
        let again = try Bench(
            "[encoder]\ntarget = \"1000x\"", spool: "finer_ring_bytes = 0",
            control: "kept_target = \"100x\"\nplaces = 0", in: bench.folder)
        again.gateway.want(.frame(number: last, layers: 255))
        try await wait { again.gateway.answers.count == 1 }
        #expect(again.gateway.answers[0].outcome == .gone)
        #expect(try again.log.wait(for: "refine_failed").contains("memory no longer has frame"))
        _ = try again.finish(received: visit)
    }

    @Test(
        "a station that starts with another firmware predicts from what it knows where that is compatible",
        arguments: [true, false])
    func firmware(isCompatible: Bool) async throws {
        let bench = try Bench("[encoder]\ntarget = \"1000x\"")
        var visit = 0
        while try references(bench).isEmpty, visit < 8 {
            try await fly(bench, visit)
            visit += 1
        }
        #expect(try !references(bench).isEmpty)
        #expect(bench.station.stop())
        _ = bench.gateway.finish()
        // the same tables under another name
        let folder = bench.folder.file("firmware")
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try manager.copyItem(atPath: SharedData.packageRoot + "/Firmware/perigee-1", toPath: folder + "/perigee-1")
        let file = folder + "/perigee-1/manifest.json"
        let compatible = isCompatible ? "\"compatible\": [\"\(Hex.text(bench.bundle.id))\"], " : ""
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = "{\(compatible)\"created\": \"2026-01-01T00:00:00Z\"," + text.drop { $0 != "{" }.dropFirst()
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        let again = try Bench("[encoder]\ntarget = \"1000x\"", in: bench.folder, firmware: folder)
        #expect(again.bundle.id != bench.bundle.id)
        try again.send(FrameMessage.pack(scene(visit), run: "s", sequence: 0))
        try await wait { again.station.counters.sensors["sentinel-2-l2a"]?.acknowledged == 1 }
        #expect(try references(again).isEmpty == !isCompatible)
        #expect(again.station.stop())
        _ = again.gateway.finish()
    }
}
