import Foundation
import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeStation
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Test(
    "when its gateway goes a station delivers to the next of its list, and tells it what the first one has",
    .timeLimit(.minutes(10)))
func fallsBack() throws {
    let context = try ZeroMQContext()
    let first = try TestGateway(context: context)
    let bench = try Bench(link: "drain_seconds = 60", before: [first.endpoint])
    let small = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 8, columns: 8) { UInt8($0) }
    try bench.send(FrameMessage.pack(small, run: "r", sequence: 0))
    while bench.station.counters.sensors["naip"]?.acknowledged != 1 { usleep(5_000) }
    let before = try first.finish().map { try Packet(parsing: $0[...]) }
    for sequence in 1..<3 { try bench.send(FrameMessage.pack(small, run: "r", sequence: sequence)) }
    let (packets, status) = try bench.finish(received: 3)
    #expect(before.count == 2, "the declaration and a frame")
    #expect(try frames(before + packets, bench.bundle).count == 3)
    #expect(packets.count == 2, "nothing is sent twice")
    #expect(status["link"]?["gateway"] == .string(bench.gateway.endpoint), "\(status)")
    #expect((status["link"]?["failovers"]?.int ?? 0) >= 1)
    #expect(bench.gateway.tombstones.map(\.reason) == [.elsewhere])
    #expect(bench.gateway.tombstones.map(\.numbers) == [1..<3])
    #expect(status["ledger"]?["dropped"]?["elsewhere"] == nil && status["ledger"]?["delivered"]?.int == 3)
}

@Test("the line is told no more than the configured rate", .timeLimit(.minutes(10)))
func keepsRate() throws {
    let bench = try Bench("[link]\nrate_bits_per_second = 80_000", link: "drain_seconds = 60")
    var generator = SeededGenerator(seed: 1)
    let noise = try frame(sensor: "my-camera", bands: ["x"], type: .uint8, rows: 150, columns: 200) { _ in
        UInt8.random(in: 0...255, using: &generator)
    }
    let began = ContinuousClock.now
    try bench.send(FrameMessage.pack(noise, run: "r", sequence: 0))
    let (packets, status) = try bench.finish(received: 1)
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    let sent = try #require(status["link"]?["bytes_sent"]?.int)
    #expect(packets.count > 2 && sent > 20_000, "\(sent)")
    // one second of it may be saved up, and a message of one second leaves a debt
    #expect(Double(sent) <= 10_000 * (seconds + 2), "\(sent) octets in \(seconds) s")
}
