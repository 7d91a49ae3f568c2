import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

extension LinkBench.Result {
    /// For Benchmarks/results.
    func json(commit: String?) -> JSONValue {
        .object([
            "benchmark": .string("link"), "machine": Machine.json, "commit": .optional(commit),
            "time": .string(Machine.time.rfc3339),
            "definitions": .string(
                "the real client with its packets in memory, a real gateway that syncs each before it acknowledges, and a relay between "
                    + "them that carries so many octets a second each way; share is octets of packets a second over the line's rate, "
                    + "from WELCOME until all is acknowledged; latency is from giving a frame of 3 packets until all are acknowledged, "
                    + "on a line of 10 Mbit/s"),
            "catch_up": .array(
                catchUps.map { row in
                    .object([
                        "line_bytes_per_second": .integer(row.line.rate),
                        "line_delay_milliseconds": .integer(row.line.delayMilliseconds),
                        "packets": .integer(row.packets), "packet_bytes": .integer(row.payload),
                        "seconds": .number(Self.round(row.seconds)), "share": .number(Self.round(row.share)),
                        "wire_bytes_up": .integer(row.up), "wire_bytes_down": .integer(row.down),
                        "sessions": .integer(row.sessions), "packets_resent": .integer(row.resent),
                    ])
                }),
            "frame_to_ack": .object([
                "frames": .integer(latencies.count), "frame_bytes": .integer(frameSize),
                "p50_milliseconds": .number(Self.round(quantile(0.5))),
                "p99_milliseconds": .number(Self.round(quantile(0.99))),
            ]),
        ])
    }

    /// For people.
    var text: String {
        var table = Table([
            ("line, octets a second", .left), ("delay ms", .right), ("seconds", .right), ("share", .right),
            ("sessions", .right),
        ])
        for row in catchUps {
            table.append([
                Table.group(row.line.rate), Table.group(row.line.delayMilliseconds),
                Table.number(row.seconds, digits: 1),
                Table.number(row.share, digits: 3), Table.group(row.sessions),
            ])
        }
        return table.text(isStyled: Terminal.hasColor(.output))
            + "\n\nframe to ack: p50 \(Table.number(quantile(0.5), digits: 1)) ms, p99 "
            + "\(Table.number(quantile(0.99), digits: 1)) ms, \(latencies.count) frames\n"
    }

    private func quantile(_ share: Double) -> Double {
        latencies.isEmpty ? 0 : latencies[min(Int(Double(latencies.count) * share), latencies.count - 1)]
    }

    private static func round(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
