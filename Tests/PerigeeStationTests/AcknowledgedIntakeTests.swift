import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeStation
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Test("a frame that is sent again while it is in work is answered on the newest connection", .timeLimit(.minutes(10)))
func answersNewestConnection() throws {
    let bench = try Bench(
        "[encoder]\nlanes = 1", intake: ", { mode = \"acknowledged\", endpoint = \"tcp://127.0.0.1:*\" }")
    // what the one lane works on meanwhile
    let large = try frame(sensor: "naip", bands: ["R", "G", "B", "N"], type: .uint8, rows: 700, columns: 700) {
        UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13)
    }
    for sequence in 0..<3 { try bench.send(FrameMessage.pack(large, run: "r", sequence: sequence)) }
    while bench.station.counters.received < 3 { usleep(5_000) }
    let small = try frame(sensor: "naip", bands: ["R"], type: .uint8, rows: 8, columns: 8) { UInt8($0) }
    let message = try FrameMessage.pack(small, run: "acknowledged", sequence: 7)
    func source() throws -> Socket {
        var options = SocketOptions()
        options.receiveTimeoutMilliseconds = 60_000
        var socket = try Socket(.dealer, context: bench.context, options: options)
        try socket.connect(bench.station.endpoints[2])
        #expect(try socket.send(message, waits: true) == .sent)
        return socket
    }
    var first = try source()
    while bench.station.counters.received < 4 { usleep(5_000) }
    var second = try source()
    let answer = try second.receive(limit: MessageLimit(partCount: 4, size: 1_000), waits: true)
    #expect(answer?.map { String(decoding: $0, as: UTF8.self) } == ["stored", "acknowledged", "7"])
    #expect(bench.station.counters.repeated == 1)
    let other = try first.receive(limit: MessageLimit(partCount: 4, size: 1_000))
    #expect(other == nil, "the connection before is answered no more")
    let (packets, status) = try bench.finish(received: 4)
    #expect(try frames(packets, bench.bundle).count == 4 && status["ledger"]?["spooled"]?.int == 4)
}
