import PerigeeArchive
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// Which numbers are missing, and why.
extension ArchiveCommand {
    static func gaps(_ directory: String, station: String?, isJSON: Bool) throws(ArchiveError) -> ExitCode {
        let epochs = try ArchiveReader.open(directory).gaps(station: station)
        let unexplained = epochs.reduce(0) { $0 + $1.count(.unexplained) }
        if isJSON {
            var lines = JSONLines("epochs")
            for gaps in epochs { lines.append(json(gaps)) }
            lines.finish()
        } else {
            printTable(epochs)
            if unexplained > 0 {
                Terminal.print(
                    "\(unexplained) numbers are missing and unexplained: ask for them with `perigee archive want`",
                    to: .error)
            }
        }
        return unexplained == 0 ? .ok : .differs
    }

    private static func printTable(_ epochs: [EpochGaps]) {
        var table = Table([
            ("station", .left), ("epoch", .left), ("numbers", .left), ("count", .right), ("why", .left),
        ])
        for gaps in epochs {
            let epoch = String(gaps.epoch.text.prefix(8))
            table.append([
                gaps.station, epoch, "1-\(gaps.highest)", Table.group(gaps.packets),
                gaps.holes.isEmpty ? "all here" : "here",
            ])
            for hole in gaps.holes {
                let count = hole.numbers.upperBound - hole.numbers.lowerBound
                table.append([
                    gaps.station, epoch, "\(hole.numbers.lowerBound)-\(hole.numbers.upperBound - 1)",
                    Table.group(Int(clamping: count)), word(hole.cause),
                ])
            }
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
    }

    private static func word(_ cause: EpochGaps.Cause) -> String {
        switch cause {
        case .tombstone(let reason): "\(reason)"
        case .waiting: "waiting"
        case .unexplained: "unexplained"
        }
    }

    private static func json(_ gaps: EpochGaps) -> JSONValue {
        .object([
            "station": .string(gaps.station), "epoch": .string(gaps.epoch.text), "packets": .integer(gaps.packets),
            "highest": number(gaps.highest), "lowest": gaps.lowest == 0 ? .null : number(gaps.lowest),
            "buried": number(gaps.buriedCount), "waiting": number(gaps.count(.waiting)),
            "unexplained": number(gaps.count(.unexplained)),
            "holes": .array(
                gaps.holes.map { hole in
                    .object([
                        "first": number(hole.numbers.lowerBound), "last": number(hole.numbers.upperBound - 1),
                        "why": .string(word(hole.cause)),
                    ])
                }),
            "tombstones": .array(
                gaps.tombstones.map { tombstone in
                    .object([
                        "first": number(tombstone.numbers.lowerBound), "last": number(tombstone.numbers.upperBound - 1),
                        "reason": .string("\(tombstone.reason)"), "frames": .integer(tombstone.frames),
                        "bytes": .integer(tombstone.size), "stored_first": .string(tombstone.first.rfc3339),
                        "stored_last": .string(tombstone.last.rfc3339),
                    ])
                }),
        ])
    }

    private static func number(_ value: UInt64) -> JSONValue { .integer(Int(clamping: value)) }
}
