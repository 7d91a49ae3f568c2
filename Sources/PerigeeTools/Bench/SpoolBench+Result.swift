import Glibc
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

extension SpoolBench.Result {
    /// For Benchmarks/results.
    func json(commit: String?) -> JSONValue {
        func rates(_ values: [Double]) -> JSONValue {
            .object([
                "median": .number(Self.median(values).rounded()), "least": .number((values.first ?? 0).rounded()),
                "most": .number((values.last ?? 0).rounded()),
            ])
        }
        let loads = self.loads.map { load, rates_ in
            JSONValue.object([
                "load": .string(load.name), "packets_in_frame": .integer(load.packets.count),
                "frame_bytes": .integer(load.size), "frames_in_commit": .integer(load.group),
                "spool_packets_per_second": rates(rates_.spool), "file_packets_per_second": rates(rates_.file),
                "spool_over_file": .number(
                    (Self.median(rates_.spool) / Self.median(rates_.file) * 1_000).rounded() / 1_000),
            ])
        }
        return .object([
            "benchmark": .string("spool"), "machine": Machine.json, "commit": .optional(commit),
            "time": .string(Machine.time.rfc3339),
            "definitions": .string(
                "packets whose commit, or whose fdatasync of a plain file, has returned; spool and file take turns, 5 rounds each; "
                    + "memory is resident octets of the whole process after the same work"),
            "durable": .array(loads),
            "full": .object([
                "quota_bytes": .integer(quota), "packets": .integer(packets), "file_bytes": .integer(fileSize),
                "fill_seconds": .number(Self.round(fillSeconds)),
                "opening_seconds": .object([
                    "median": .number(Self.round(Self.median(openings))),
                    "most": .number(Self.round(openings.last ?? 0)),
                ]),
                "empty_resident_bytes": .integer(emptyMemory), "full_resident_bytes": .integer(fullMemory),
                "difference_bytes": .integer(fullMemory - emptyMemory),
                "loaded_packets_per_second": .number(loadedPerSecond.rounded()),
                "settled_packets_per_second": .number(settledPerSecond.rounded()),
            ]),
        ])
    }

    /// For people.
    var text: String {
        var table = Table([
            ("packets a second, durable", .left), ("spool", .right), ("plain file", .right), ("share", .right),
        ])
        for (load, rates) in loads {
            let (spool, file) = (Self.median(rates.spool), Self.median(rates.file))
            table.append([
                load.name, Table.number(spool, digits: 0), Table.number(file, digits: 0),
                Table.number(spool / file, digits: 2),
            ])
        }
        return table.text(isStyled: Terminal.hasColor(.output))
            + """

            full: \(Table.group(packets)) packets of 300 octets in \(Table.group(fileSize)) octets, filled in \
            \(Table.number(fillSeconds, digits: 1)) s
            opening: \(Table.number(Self.median(openings) * 1_000, digits: 0)) ms, at most \
            \(Table.number((openings.last ?? 0) * 1_000, digits: 0)) ms
            memory: \(Table.group(emptyMemory >> 20)) MiB empty, \(Table.group(fullMemory >> 20)) MiB full
            read \(Table.number(loadedPerSecond, digits: 0)) packets a second, settled \
            \(Table.number(settledPerSecond, digits: 0))
            """
    }

    private static func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values[values.count / 2] }

    private static func round(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}

/// What this computer is.
enum Machine {
    static var json: JSONValue {
        .object([
            "processor": .optional(processor), "cores": .integer(ProcessorCount.available), "system": .string(system),
        ])
    }

    static var time: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000)
    }

    private static var processor: String? {
        FileOctets.text("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
            .flatMap { $0.split(separator: ":").last }
            .map { String($0.drop { $0 == " " }) }
    }

    private static var system: String {
        let text = FileOctets.text("/proc/sys/kernel/osrelease") ?? ""
        return "Linux " + text.filter { !$0.isNewline }
    }
}
