import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeStation
import PerigeeTestSupport
import Testing

/// A frame that no coder makes smaller: more octets than the smallest link queue holds.
private func noise(seed: UInt64) throws -> Frame {
    var generator = SeededGenerator(seed: seed)
    return try frame(sensor: "my-camera", bands: ["x"], type: .uint8, rows: 300, columns: 400) { _ in
        UInt8.random(in: 0...255, using: &generator)
    }
}

@Test("a full link queue is logged, holds the frames up, and loses none", .timeLimit(.minutes(1)))
func linkQueueFull() throws {
    let bench = try Bench(link: "queue_bytes = \"64 KiB\"\ndrain_seconds = 60", isHeld: true)
    let sent = [try noise(seed: 1), try noise(seed: 2)]
    for (sequence, frame) in sent.enumerated() {
        try bench.send(FrameMessage.pack(frame, run: "r", sequence: sequence))
    }
    _ = try bench.log.wait(for: "link_queue_full")
    #expect(bench.station.counters.spooled == 0)
    bench.gateway.release()
    let (packets, status) = try bench.finish(received: 2)
    #expect(status["ledger"]?["spooled"]?.int == 2 && status["link"]?["held_packets"]?.int == 0)
    #expect(Set(try frames(packets, bench.bundle).map(\.samples.bytes)) == Set(sent.map(\.samples.bytes)))
}

@Test("what cannot be delivered in the drain time is counted and said, and the station ends", .timeLimit(.minutes(1)))
func givesUp() throws {
    let bench = try Bench(
        "[encoder]\nlanes = 1", link: "queue_bytes = \"64 KiB\"\ndrain_seconds = 0", isHeld: true)
    let small = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 8, columns: 8) { UInt8($0) }
    // the first fits into the queue, the second fills it, the third waits behind
    try bench.send(FrameMessage.pack(small, run: "r", sequence: 0))
    try bench.send(FrameMessage.pack(noise(seed: 3), run: "r", sequence: 0))
    try bench.send(FrameMessage.pack(small, run: "r", sequence: 1))
    _ = try bench.log.wait(for: "link_queue_full")
    let (packets, status) = try bench.finish(received: 3, isDelivered: false)
    #expect(packets.isEmpty)
    let ledger = status["ledger"]
    #expect(ledger?["spooled"]?.int == 1 && ledger?["rejected"]?["stopped"]?.int == 2, "\(status)")
    let held = try #require(status["link"]?["held_packets"]?.int)
    #expect(held > 2 && status["sensors"]?["naip"]?["acknowledged"]?.int == 0)
    #expect(status["bytes"]?["raw_acknowledged"]?.int == 0)
    let log = try bench.log.wait(for: "stopped")
    #expect(log.contains(" warning stopped ") && log.contains(" undelivered_packets=\(held)"))
}
