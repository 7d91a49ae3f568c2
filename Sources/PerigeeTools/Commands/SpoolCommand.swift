import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeSpool

/// `perigee spool`: a look into a spool that no daemon holds.
enum SpoolCommand {
    private static let folder = Positional("DIR", .directory, help: "the folder of the spool")
    private static let limit = Option.value(
        "limit", .integer(1...1_000_000), as: "N", help: "The most lines to print", default: "1000")

    static let command = Command(
        "spool", summary: "Look into a station's spool while its daemon is stopped",
        subcommands: [
            Command(
                "status", summary: "What a spool holds, by epoch, and its ledger",
                discussion: [
                    "Changes nothing. A spool that a daemon holds is refused: ask the daemon's status instead."
                ],
                options: [SharedOptions.json], positionals: [folder],
                examples: [Example("perigee spool status /var/lib/perigee/spool", "After the station was stopped")],
                exitCodes: [.data, .unavailable, .io]),
            Command(
                "list", summary: "List the frames that wait, oldest first, and holes that are not acknowledged",
                options: [limit, SharedOptions.json], positionals: [folder],
                examples: [Example("perigee spool list --limit 20 /var/lib/perigee/spool", "The oldest 20 frames")],
                exitCodes: [.data, .unavailable, .io]),
            Command(
                "quarantine", summary: "List the packets that the gateway refused or the disk damaged",
                discussion: ["With --json each line carries the octets in hexadecimal."],
                options: [limit, SharedOptions.json], positionals: [folder],
                examples: [Example("perigee spool quarantine /var/lib/perigee/spool", "Which packets, and why")],
                exitCodes: [.data, .unavailable, .io]),
        ])

    static func run(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        do throws(SpoolError) {
            let spool = try SpoolInspection(arguments.positionals[0])
            let isJSON = arguments.flag("json")
            switch arguments.path.last {
            case "status": status(spool, isJSON: isJSON)
            case "list": try list(spool, limit: arguments.integer("limit") ?? 1_000, isJSON: isJSON)
            default: try quarantine(spool, limit: arguments.integer("limit") ?? 1_000, isJSON: isJSON)
            }
        } catch {
            throw CommandFailure(error)
        }
        return .ok
    }

    private static func status(_ spool: borrowing SpoolInspection, isJSON: Bool) {
        let ledger = spool.ledger
        let dropped = TombstoneReason.allCases.map { (name: "\($0)", count: ledger.dropped[$0] ?? 0) }
        guard !isJSON else {
            let epochs = spool.epochs.map { epoch in
                JSONValue.object([
                    "epoch": .string(epoch.epoch.text), "closed": .bool(epoch.isClosed), "lost": .bool(epoch.isLost),
                    "next": .integer(Int(epoch.next)), "packets": .integer(epoch.packets),
                    "bytes": .integer(epoch.size), "frames": .integer(epoch.frames),
                ])
            }
            let json = JSONValue.object([
                "epochs": .array(epochs),
                "ledger": .object([
                    "received": .integer(ledger.intake.received), "rejected": .integer(ledger.intake.rejectedTotal),
                    "lost_at_crash": .integer(ledger.intake.lostAtCrash), "in_work": .integer(ledger.intake.inWork),
                    "spooled": .integer(ledger.spooled), "delivered": .integer(ledger.delivered),
                    "thinned": .integer(ledger.thinned), "waiting": .integer(ledger.waiting),
                    "quarantined": .integer(ledger.quarantined),
                    "dropped": .sorted(Dictionary(uniqueKeysWithValues: dropped.map { ($0.name, .integer($0.count)) })),
                ]),
                "file_bytes": .integer(spool.fileSize), "quarantine_bytes": .integer(spool.quarantineSize),
                "set_aside": .strings(spool.setAside),
            ])
            return Terminal.print(json.indented)
        }
        var table = Table([
            ("epoch", .left), ("state", .left), ("frames", .right), ("packets", .right), ("octets", .right),
            ("next number", .right),
        ])
        for epoch in spool.epochs {
            table.append([
                epoch.epoch.text, epoch.isLost ? "lost" : epoch.isClosed ? "closed" : "current",
                Table.group(epoch.frames), Table.group(epoch.packets), Table.group(epoch.size),
                Table.group(Int(epoch.next)),
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        Terminal.print(
            "frames: \(Table.group(ledger.spooled)) spooled = \(Table.group(ledger.delivered)) delivered + "
                + "\(Table.group(ledger.waiting)) waiting + \(Table.group(ledger.droppedTotal)) dropped + "
                + "\(Table.group(ledger.quarantined)) quarantined")
        for (name, count) in dropped where count > 0 { Terminal.print("dropped as \(name): \(Table.group(count))") }
        for name in spool.setAside { Terminal.print("a damaged file is kept in set-aside/\(name)") }
    }

    private static func list(
        _ spool: borrowing SpoolInspection, limit: Int, isJSON: Bool
    ) throws(SpoolError) {
        let frames = try spool.frames(limit: limit)
        let tombstones = try spool.tombstones(limit: limit)
        guard !isJSON else {
            let json = JSONValue.object([
                "frames": .array(
                    frames.map { frame in
                        .object([
                            "epoch": .string(frame.epoch.text), "frame": .integer(Int(frame.number)),
                            "sensor": .string(frame.label), "priority": .integer(frame.priority),
                            "stored": .string(frame.stored.rfc3339), "waiting_packets": .integer(frame.waiting),
                            "packets": .integer(frame.count), "bytes": .integer(frame.size),
                        ])
                    }),
                "tombstones": .array(
                    tombstones.map { epoch, tombstone in
                        .object([
                            "epoch": .string(epoch.text), "first": .integer(Int(tombstone.numbers.lowerBound)),
                            "next": .integer(Int(tombstone.numbers.upperBound)),
                            "reason": .string("\(tombstone.reason)"),
                        ])
                    }),
            ])
            return Terminal.print(json.indented)
        }
        var table = Table([
            ("frame", .right), ("sensor", .left), ("class", .right), ("stored", .left), ("packets", .right),
            ("octets", .right),
        ])
        for frame in frames {
            table.append([
                "\(frame.number)", frame.label, "\(frame.priority)", frame.stored.rfc3339,
                "\(frame.waiting) of \(frame.count)", Table.group(frame.size),
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        for (_, tombstone) in tombstones {
            Terminal.print(
                "numbers \(tombstone.numbers.lowerBound) to \(tombstone.numbers.upperBound - 1): \(tombstone.reason)")
        }
    }

    private static func quarantine(
        _ spool: borrowing SpoolInspection, limit: Int, isJSON: Bool
    ) throws(SpoolError) {
        let packets = try spool.quarantine(limit: limit)
        guard !isJSON else {
            let json = JSONValue.array(
                packets.map { packet in
                    .object([
                        "epoch": .string(packet.epoch.text), "number": .integer(Int(clamping: packet.number)),
                        "sensor": .optional(packet.label), "reason": .string(packet.reason),
                        "packet": .string(Hex.text(packet.packet)),
                    ])
                })
            return Terminal.print(json.indented)
        }
        var table = Table([
            ("epoch", .left), ("number", .right), ("sensor", .left), ("octets", .right), ("reason", .left),
        ])
        for packet in packets {
            table.append([
                packet.epoch.text, "\(packet.number)", packet.label ?? "-", Table.group(packet.packet.count),
                packet.reason,
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
    }
}

extension CommandFailure {
    /// A spool that could not be opened or read.
    init(_ error: SpoolError) {
        let code: ExitCode =
            switch error {
            case .held, .unknownEpoch: .unavailable
            case .file(operation: "open", _, _): .unavailable
            case .damaged, .version: .data
            case .configuration: .config
            case .file, .database, .unknownFate, .failedBefore, .full: .io
            }
        self.init(code, "\(error)")
    }
}
