internal import PerigeeCore
internal import PerigeeSQLite

extension Spool {
    /// Writes a frame whose room is there.
    mutating func insert(_ frame: SpoolFrame) throws(SQLiteError) -> Range<UInt64> {
        invariant(frame.number < RowKey.limit - 1, "frame number \(frame.number) is beyond 48 bits")
        let epoch = memory.current
        let row = memory.epochs[epoch].id
        let first = memory.epochs[epoch].next
        if let declaration = frame.declaration {
            try file.run(
                "INSERT OR REPLACE INTO declarations VALUES (?, ?, ?)",
                [.integer(row), .integer(Int64(declaration.number)), .blob(declaration.packet)])
            try add(declaration.packet, epoch: epoch, priority: 0, layer: 0, isFiner: false, frame: nil)
        }
        let start = memory.epochs[epoch].next
        // Of a tiny frame the first layers may have no octets: the first that has some is what the others refine.
        let coarsest = frame.layers.firstIndex { !$0.isEmpty } ?? 0
        for (layer, packets) in frame.layers.enumerated() {
            for packet in packets {
                try add(
                    packet, epoch: epoch, priority: frame.priority, layer: layer, isFiner: layer > coarsest,
                    frame: frame.number)
            }
        }
        let end = memory.epochs[epoch].next
        try file.write(
            FrameRow(
                id: RowKey.key(row, frame.number), waiting: Int(end - start), first: start, count: Int(end - start),
                label: frame.label, priority: frame.priority, rawSize: frame.rawSize, packetSize: frame.packetSize,
                stored: frame.stored, age: memory.clock))
        memory.epochs[epoch].change(Slot.frames, count: 1, size: 0)
        memory.epochs[epoch].nextFrame = max(memory.epochs[epoch].nextFrame, frame.number + 1)
        memory.ledger.spooled += 1
        memory.ledger.waiting += 1
        try keep(frame, key: RowKey.key(row, frame.number), epoch: epoch)
        if start == end { _ = try settle(frames: [frame.number: 0], epoch: epoch) }
        return first..<end
    }

    /// One packet under the next number.
    mutating func add(
        _ packet: [UInt8], epoch: Int, priority: Int, layer: Int, isFiner: Bool, frame: UInt64?
    ) throws(SQLiteError) {
        let number = memory.epochs[epoch].next
        let slot = Slot.waiting(priority: priority, isFiner: isFiner)
        try file.insertPacket(
            RowKey.key(memory.epochs[epoch].id, number), slot: slot, layer: layer, frame: frame, packet)
        memory.epochs[epoch].next = number + 1
        memory.epochs[epoch].change(slot, count: 1, size: packet.count)
    }

    /// Writes what memory holds otherwise than the last commit.
    mutating func writeMemory() throws(SQLiteError) {
        for row in memory.epochs {
            let before = committed.epochs.first { $0.id == row.id }
            guard row != before else { continue }
            if before == nil || row.kind != before?.kind || row.next != before?.next
                || row.nextFrame != before?.nextFrame || row.target != before?.target
            {
                try file.write(row)
            }
            for (slot, total) in row.totals where total != before?.totals[slot] {
                try file.run(
                    "INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?)",
                    [
                        .integer(row.id), .integer(Int64(slot)), .integer(Int64(total.count)),
                        .integer(Int64(total.size)),
                    ])
            }
        }
        let rows = memory.rows
        let before = committed.rows
        for (name, value) in rows where before[name] != value {
            try file.run("INSERT OR REPLACE INTO ledger VALUES (?, ?)", [.text(name), .integer(value)])
        }
        for name in before.keys where rows[name] == nil {
            try file.run("DELETE FROM ledger WHERE name = ?", [.text(name)])
        }
    }

    mutating func write(intake: IntakeTotals, sources: [SourceMark]) throws(SQLiteError) {
        memory.ledger.intake = intake
        for mark in sources {
            try file.run(
                "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?)",
                [
                    .text(mark.sensor), .text(mark.run), .integer(Int64(mark.newest)),
                    .blob(mark.window), .integer(memory.clock),
                ])
        }
    }
}

extension SpoolFile {
    func write(_ row: EpochRow) throws(SQLiteError) {
        try run(
            "INSERT OR REPLACE INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(row.id), .blob(row.epoch.bytes), .integer(row.kind.rawValue),
                .integer(Int64(clamping: row.next)),
                .integer(Int64(clamping: row.nextFrame)), .integer(row.target),
                .integer(Int64(row.checksum)),
            ])
    }
}
