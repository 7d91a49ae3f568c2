import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeStation
import PerigeeTestSupport
import Testing

/// What the station's status file says of its configuration.
private func configuration(_ bench: Bench) throws -> JSONValue {
    bench.station.writeStatus()
    let text = try Data(contentsOf: URL(filePath: bench.folder.file("status.json")))
    return try #require(try JSONValue(parsing: Array(text)[...], depthLimit: 8)["configuration"])
}

@Test("frames after a reload follow the new file; keys that need a start are named", .timeLimit(.minutes(10)))
func reloads() throws {
    let bench = try Bench()
    let image = try frame(sensor: "sentinel-2-l2a", bands: ["B02", "B8A"], type: .uint16, rows: 65, columns: 70) {
        UInt8(truncatingIfNeeded: $0 &* 31)
    }
    try bench.send(FrameMessage.pack(image, run: "r", sequence: 0))
    bench.waitUntilSpooled(1)
    #expect(try configuration(bench)["generation"]?.int == 1)
    let area = bench.folder.file("area.geojson")
    let square = "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}"
    try square.write(toFile: area, atomically: true, encoding: .utf8)
    #expect(
        try bench.reload(
            with: """
                [encoder]
                target = "lossless"
                lanes = 1
                [link]
                rate_bits_per_second = 80_000_000
                [[classes]]
                name = "all"
                topic = "frame/"
                priority = 1
                [[classes]]
                name = "square"
                area = "\(area)"
                """))
    let loaded = try configuration(bench)
    #expect(loaded["generation"]?.int == 2 && loaded["last_error"] == .null)
    #expect(loaded["restart_needed"] == .strings(["encoder.lanes"]), "\(loaded)")
    #expect(try bench.log.wait(for: "configuration_waits").contains("keys=encoder.lanes"))
    try bench.send(FrameMessage.pack(image, run: "r", sequence: 1))
    let (packets, status) = try bench.finish(received: 2)
    let received = try frames(packets, bench.bundle)
    #expect(received.count == 2)
    #expect(received[0].samples != image.samples && received[1].samples == image.samples, "lossless from then on")
    #expect(status["control"]?["frames"]?["all"]?.int == 1, "\(status)")
}

@Test(
    "a file that is wrong, or names what is not there, leaves the old configuration in force", .timeLimit(.minutes(10)))
func refusesReload() throws {
    let bench = try Bench()
    let wrong = [
        ("[encoder]\ntarget = \"lossless\"\nlane = 1", "encoder.lane is no key"),
        ("[encoder]\ntarget = \"lossless\"\n[[classes]]\nname = \"x\"\narea = \"nowhere.geojson\"", "cannot be opened"),
        (
            "[encoder]\ntarget = \"lossless\"\noverrides = [{ sensor = \"none\", target = \"50x\" }]",
            "no profile describes"
        ),
    ]
    for (text, problem) in wrong {
        #expect(try !bench.reload(with: text))
        let state = try configuration(bench)
        #expect(state["generation"]?.int == 1)
        guard case .string(let error)? = state["last_error"] else {
            Issue.record("no error: \(state)")
            continue
        }
        #expect(error.contains(problem), "\(error)")
    }
    #expect(try bench.log.wait(for: "configuration_refused").contains("encoder.lane is no key"))
    let image = try frame(sensor: "sentinel-2-l2a", bands: ["B02", "B8A"], type: .uint16, rows: 65, columns: 70) {
        UInt8(truncatingIfNeeded: $0 &* 31)
    }
    try bench.send(FrameMessage.pack(image, run: "r", sequence: 0))
    let (packets, _) = try bench.finish(received: 1)
    #expect(try frames(packets, bench.bundle).first?.samples != image.samples, "not lossless")
}
