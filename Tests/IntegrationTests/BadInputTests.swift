import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import PerigeeTransport
import Testing

/// A message as a bad source sends it, and the counter that must count it.
private struct BadMessage: Sendable {
    let name: String
    let reason: String
    let header: [UInt8]
    let samples: [UInt8]
}

private func perigeeHeader(_ changes: [String: String]) -> [UInt8] {
    var members = [
        "v": "1", "kind": "\"frame\"", "sensor": "\"sentinel-2-l2a\"", "run": "\"bad\"", "seq": "0",
        "dtype": "\"uint16\"",
        "shape": "[2, 4, 4]", "bands": "[\"B04\", \"B08\"]",
    ]
    members.merge(changes) { $1 }
    return Array("{\(members.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1)" }.joined(separator: ", "))}".utf8)
}

private let plain = [UInt8](repeating: 7, count: 64)
private let infinite = [UInt8](repeating: 0, count: 124) + [0, 0, 0x80, 0x7F]

extension BadMessage {
    /// A message whose header is good but for `changes`, in a run of its own.
    init(_ name: String, counts reason: String, _ changes: [String: String] = [:], samples: [UInt8] = plain) {
        self.init(
            name: name, reason: reason, header: perigeeHeader(changes.merging(["run": "\"\(name)\""]) { $1 }),
            samples: samples)
    }
}

private let badMessages = [
    BadMessage("wrong version", counts: "version", ["v": "9"]),
    BadMessage("wrong CRC", counts: "crc32c", ["crc32c": "1"]),
    BadMessage("truncated samples", counts: "length", samples: Array(plain.dropLast())),
    BadMessage("lying size", counts: "length", ["shape": "[2, 400, 400]"]),
    BadMessage("unknown dtype", counts: "dtype", ["dtype": "\"complex64\""]),
    BadMessage("infinities", counts: "infinite", ["dtype": "\"float32\""], samples: infinite),
    BadMessage("zero bands", counts: "shape", ["shape": "[0, 4, 4]", "bands": "[]"], samples: []),
    BadMessage("above the limit", counts: "frame_size", ["shape": "[2, 100000, 100000]"]),
    BadMessage("unknown band", counts: "bands", ["bands": "[\"B04\", \"B99\"]"]),
    BadMessage(name: "not JSON", reason: "json", header: Array("{\"v\": 1,".utf8), samples: plain),
    BadMessage("10 MB of JSON", counts: "header_size", ["place": "\"\(String(repeating: "x", count: 10_000_000))\""]),
]

@Suite("Bad input to the station")
struct BadFrameTests {
    @Test("each bad frame is counted under its reason, and the station goes on", .timeLimit(.minutes(10)))
    func counted() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        try daemons.startStation()
        let context = try ZeroMQContext()
        var options = SocketOptions()
        options.sendTimeoutMilliseconds = 30_000
        options.lingerMilliseconds = 30_000
        var socket = try Socket(.push, context: context, options: options)
        try socket.connect(daemons.frames)
        // Before the large header, which may cost the connection: everything that keeps it.
        for (index, message) in badMessages.enumerated() {
            #expect(try socket.send([Array("frame/".utf8), message.header, message.samples], waits: true) == .sent)
            guard index < badMessages.count - 1 else { break }
            try await daemons.wait(message.name) {
                ($0["ledger"]?["rejected"]?[message.reason]?.int ?? 0) > 0
            }
        }
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--rows", "40", "--columns", "40")
        try await daemons.waitForDelivery(1)
        let rejected = try #require(daemons.status?["ledger"]?["rejected"])
        for reason in Set(badMessages.map(\.reason)).subtracting(["header_size"]) {
            let expected = badMessages.count { $0.reason == reason }
            #expect(rejected[reason]?.int == expected, "\(reason): \(rejected)")
        }
        #expect(daemons.status?["ledger"]?["balanced"] == .bool(true))
        #expect(daemons.stopStation() == 0)
    }

    @Test("garbage on the link does not stop the gateway", .timeLimit(.minutes(10)))
    func garbage() async throws {
        let daemons = try Daemons()
        try daemons.startGateway()
        let context = try ZeroMQContext()
        var options = SocketOptions()
        options.lingerMilliseconds = 5_000
        var socket = try Socket(.dealer, context: context, options: options)
        try socket.connect(daemons.link)
        var generator = SeededGenerator(seed: 4)
        for size in [0, 1, 2, 16, 100, 5_000] {
            let octets = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try socket.send([octets], waits: true)
            _ = try socket.send([octets, octets], waits: true)
        }
        try daemons.startStation()
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--rows", "40", "--columns", "40")
        try await daemons.waitForDelivery(1)
    }
}
