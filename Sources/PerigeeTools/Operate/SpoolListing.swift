import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeService
import PerigeeSpool

/// What `perigee spool ls` and `verify` print.
enum SpoolListing {
    /// Epochs, ledger, frames that wait and holes that are not acknowledged.
    static func contents(_ spool: borrowing SpoolInspection, limit: Int, isJSON: Bool) throws(SpoolError) {
        let frames = try spool.frames(limit: limit)
        let tombstones = try spool.tombstones(limit: limit)
        guard !isJSON else {
            return Terminal.print(json(spool, frames, tombstones).indented)
        }
        printEpochs(spool)
        guard !frames.isEmpty else { return }
        var table = Table([
            ("frame", .right), ("sensor", .left), ("class", .right), ("stored", .left), ("packets", .right),
            ("octets", .right),
        ])
        for frame in frames {
            table.append([
                "\(frame.number)", LogText.escaped(frame.label), "\(frame.priority)", frame.stored.rfc3339,
                "\(frame.waiting) of \(frame.count)", Table.group(frame.size),
            ])
        }
        Terminal.write("\n" + table.text(isStyled: Terminal.hasColor(.output)))
        for (_, tombstone) in tombstones {
            Terminal.print(
                "numbers \(tombstone.numbers.lowerBound) to \(tombstone.numbers.upperBound - 1): \(tombstone.reason)")
        }
    }

    private static func printEpochs(_ spool: borrowing SpoolInspection) {
        let ledger = spool.ledger
        var table = Table([
            ("epoch", .left), ("state", .left), ("frames", .right), ("packets", .right), ("octets", .right),
            ("next number", .right),
        ])
        for epoch in spool.epochs {
            table.append([
                epoch.epoch.text, epoch.isLost ? "lost" : epoch.isClosed ? "closed" : "current",
                Table.group(epoch.frames), Table.group(epoch.packets), Table.group(epoch.size),
                Table.group(Int(clamping: epoch.next)),
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        Terminal.print(
            "frames: \(Table.group(ledger.spooled)) spooled = \(Table.group(ledger.delivered)) delivered + "
                + "\(Table.group(ledger.waiting)) waiting + \(Table.group(ledger.droppedTotal)) dropped + "
                + "\(Table.group(ledger.quarantined)) quarantined")
        for (reason, count) in dropped(ledger) where count > 0 {
            Terminal.print("dropped as \(reason): \(Table.group(count))")
        }
        for name in spool.setAside { Terminal.print("a damaged file is kept in set-aside/\(name)") }
    }

    private static func dropped(_ ledger: Ledger) -> [(reason: String, count: Int)] {
        TombstoneReason.drops.map { ("\($0)", ledger.dropped[$0] ?? 0) }
    }

    private static func json(
        _ spool: borrowing SpoolInspection, _ frames: [SpoolInspection.WaitingFrame],
        _ tombstones: [(epoch: Epoch, tombstone: Tombstone)]
    ) -> JSONValue {
        let ledger = spool.ledger
        let epochs = spool.epochs.map { epoch in
            JSONValue.object([
                "epoch": .string(epoch.epoch.text), "closed": .bool(epoch.isClosed), "lost": .bool(epoch.isLost),
                "next": .integer(Int(clamping: epoch.next)), "packets": .integer(epoch.packets),
                "bytes": .integer(epoch.size), "frames": .integer(epoch.frames),
            ])
        }
        return .object([
            "epochs": .array(epochs),
            "ledger": .object([
                "received": .integer(ledger.intake.received), "rejected": .integer(ledger.intake.rejectedTotal),
                "lost_at_crash": .integer(ledger.intake.lostAtCrash), "in_work": .integer(ledger.intake.inWork),
                "spooled": .integer(ledger.spooled), "delivered": .integer(ledger.delivered),
                "thinned": .integer(ledger.thinned), "waiting": .integer(ledger.waiting),
                "quarantined": .integer(ledger.quarantined),
                "dropped": .object(dropped(ledger).map { .init($0.reason, .integer($0.count)) }),
            ]),
            "file_bytes": .integer(spool.fileSize), "quarantine_bytes": .integer(spool.quarantineSize),
            "set_aside": .strings(spool.setAside),
            "frames": .array(
                frames.map { frame in
                    .object([
                        "epoch": .string(frame.epoch.text), "frame": .integer(Int(clamping: frame.number)),
                        "sensor": .string(frame.label), "priority": .integer(frame.priority),
                        "stored": .string(frame.stored.rfc3339), "waiting_packets": .integer(frame.waiting),
                        "packets": .integer(frame.count), "bytes": .integer(frame.size),
                    ])
                }),
            "tombstones": .array(
                tombstones.map { epoch, tombstone in
                    .object([
                        "epoch": .string(epoch.text), "first": .integer(Int(clamping: tombstone.numbers.lowerBound)),
                        "next": .integer(Int(clamping: tombstone.numbers.upperBound)),
                        "reason": .string("\(tombstone.reason)"),
                    ])
                }),
        ])
    }

    static func quarantine(_ spool: borrowing SpoolInspection, limit: Int, isJSON: Bool) throws(SpoolError) {
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
                packet.epoch.text, "\(packet.number)", LogText.escaped(packet.label ?? "-"),
                Table.group(packet.packet.count), LogText.escaped(packet.reason),
            ])
        }
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
    }

    private static func noun(_ table: String) -> String {
        switch table {
        case "packets": "packet"
        case "frames": "frame"
        default: "\(table) octets of frame"
        }
    }

    static func verification(_ check: SpoolCheck, isJSON: Bool) -> ExitCode {
        let code: ExitCode = check.isSound ? .ok : .differs
        guard !isJSON else {
            Terminal.print(
                JSONValue.object([
                    "sound": .bool(check.isSound), "packets": .integer(check.packets), "frames": .integer(check.frames),
                    "finer": .integer(check.finer), "raw": .integer(check.raw), "damaged": .integer(check.damagedCount),
                    "rows": .array(
                        check.damaged.map { row in
                            .object([
                                "table": .string(row.table), "epoch": .optional(row.epoch?.text),
                                "number": .integer(Int(clamping: row.number)),
                            ])
                        }),
                    "structure": .strings(check.structure), "totals": .strings(check.totals),
                ]).indented)
            return code
        }
        Terminal.print(
            "\(Table.group(check.packets)) packets, \(Table.group(check.frames)) frames, \(Table.group(check.finer)) packets of "
                + "finer layers and "
                + "\(Table.group(check.raw)) raw frames read: "
                + (check.isSound ? "all sound" : "\(Table.group(check.damagedCount)) damaged"))
        for row in check.damaged {
            Terminal.print(
                "damaged: \(noun(row.table)) \(row.number) of epoch "
                    + (row.epoch?.text ?? "unknown"))
        }
        for line in check.structure { Terminal.print("structure: \(LogText.escaped(line))") }
        for line in check.totals { Terminal.print("totals: \(line)") }
        if !check.isSound {
            Terminal.print(
                "start the daemon, which mends what it can and keeps the damaged file in set-aside", to: .error)
        }
        return code
    }
}
