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

@Test("while the gateway is silent everything is spooled, and then delivered", .timeLimit(.minutes(10)))
func outage() throws {
    let bench = try Bench(link: "drain_seconds = 60", isHeld: true)
    let sent = [try noise(seed: 1), try noise(seed: 2)]
    for (sequence, frame) in sent.enumerated() {
        try bench.send(FrameMessage.pack(frame, run: "r", sequence: sequence))
    }
    bench.waitUntilSpooled(2)
    bench.gateway.release()
    let (packets, status) = try bench.finish(received: 2)
    #expect(status["ledger"]?["delivered"]?.int == 2 && status["ledger"]?["waiting"]?.int == 0)
    #expect(Set(try frames(packets, bench.bundle).map(\.samples.bytes)) == Set(sent.map(\.samples.bytes)))
}

@Test("what is not delivered in the drain time waits in the spool for the next start", .timeLimit(.minutes(10)))
func waits() throws {
    let bench = try Bench("[encoder]\nlanes = 1", link: "drain_seconds = 0", isHeld: true)
    let small = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 8, columns: 8) { UInt8($0) }
    for sequence in 0..<3 { try bench.send(FrameMessage.pack(small, run: "r", sequence: sequence)) }
    bench.waitUntilSpooled(3)
    let (packets, status) = try bench.finish(received: 3, isDelivered: false)
    #expect(packets.isEmpty && status["ledger"]?["waiting"]?.int == 3, "\(status)")
    #expect(status["sensors"]?["naip"]?["acknowledged"]?.int == 0 && status["bytes"]?["raw_acknowledged"]?.int == 0)
    let log = try bench.log.wait(for: "stopped")
    #expect(log.contains("level=warning event=stopped ") && log.contains(" undelivered_frames=3"))
    let again = try Bench(in: bench.folder)
    try again.send(FrameMessage.pack(small, run: "r", sequence: 1))
    try again.send(FrameMessage.pack(small, run: "r", sequence: 4))
    let (later, state) = try again.finish(received: 5)
    #expect(try frames(later, again.bundle).count == 4, "three from before, one new")
    let ledger = state["ledger"]
    #expect(ledger?["delivered"]?.int == 4 && ledger?["rejected"]?["duplicate"]?.int == 1, "\(state)")
    #expect(state["epoch"] == status["epoch"] && state["intake"]?["missed"]?.int == 1)
}

@Test(
    "a quota that is full gives up the oldest frames of the lowest class, each with a tombstone",
    .timeLimit(.minutes(10)))
func quota() throws {
    let bench = try Bench(
        "[encoder]\nlanes = 1", spool: "quota_bytes = \"1 MiB\"\nreserved_bytes = 0", isHeld: true)
    for sequence in 0..<12 {
        try bench.send(FrameMessage.pack(noise(seed: UInt64(sequence)), run: "r", sequence: sequence))
    }
    bench.waitUntilSpooled(12)
    bench.gateway.release()
    let (packets, status) = try bench.finish(received: 12)
    let dropped = try #require(status["ledger"]?["dropped"]?["quota"]?.int)
    let delivered = try #require(status["ledger"]?["delivered"]?.int)
    #expect(dropped > 0 && dropped + delivered == 12, "\(status)")
    #expect(try frames(packets, bench.bundle).count == delivered)
    #expect(bench.gateway.tombstones.reduce(0) { $0 + $1.frames } >= dropped)
}
