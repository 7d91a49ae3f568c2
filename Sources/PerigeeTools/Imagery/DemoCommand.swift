package import PerigeeCommandLine

/// `perigee demo`: a simulated pass through the real daemons, measured.
package enum DemoCommand {
    package static let ratios = [100, 1_000, 10_000]

    package static let command = Command(
        "demo", summary: "Fly a simulated pass through the real daemons and measure what arrives",
        discussion: [
            "For each of \(ratios.map { "\($0)x" }.joined(separator: ", ")): starts perigee-gateway and perigeed with state of "
                + "their own below --output, sends simulated frames over ZeroMQ, waits until every packet is acknowledged, "
                + "renders the archive and compares the products with the originals. Prints a row for each, writes report.json "
                + "and a picture. Link octets are counted at the socket, both ways.",
            ImageryProgram.note,
        ],
        options: [
            .value(
                "output", short: "o", .directory, as: "DIR", help: "Folder of everything it makes",
                default: ".build/demo"),
            .value("places", .integer(1...100), as: "N", help: "Places that each pass visits", default: "3"),
            .value("visits", .integer(1...100), as: "N", help: "Passes; the third is cloudy", default: "5"),
            .value("rows", .integer(16...4_096), as: "N", help: "Rows of a frame", default: "264"),
            .value("columns", .integer(16...4_096), as: "N", help: "Columns of a frame", default: "264"),
            .value("seed", .integer(0...Int.max), as: "N", help: "Another seed, another world", default: "11"),
            SharedOptions.firmware, SharedOptions.home, SharedOptions.json,
        ],
        examples: [Example("perigee demo", "What `make demo` runs")], exitCodes: [.unavailable, .io, .config])
}
