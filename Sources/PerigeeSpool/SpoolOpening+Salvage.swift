internal import PerigeeCore
internal import PerigeeSQLite

extension SpoolOpening {
    /// Takes over what a file set aside says of its epochs and counters; its packets follow in steps. Nil where nothing was set aside, or
    /// all of it was read.
    func adopt(_ file: SpoolFile, _ memory: inout SpoolMemory) throws(SQLiteError) -> Salvage? {
        guard let folder = SalvageNote.read(directory) else { return nil }
        let source = SalvageSource(folder: folder)
        if !memory.epochs.isEmpty {
            // Interrupted: it goes on where it was.
            let known = source.epochs().map(\.epoch)
            let rows = memory.epochs.filter { $0.kind != .current && (known.isEmpty || known.contains($0.epoch)) }
            return Salvage(source: source, epochs: rows)
        }
        var adopted = source.ledger() ?? SpoolMemory()
        adopted.ledger.suspend()
        adopted.salvagedFrames = 0
        adopted.salvagedPackets = 0
        adopted.epochs = epochs(source)
        try file.execute("BEGIN IMMEDIATE")
        for row in adopted.epochs { try file.write(row) }
        for (name, value) in adopted.rows {
            try file.run("INSERT OR REPLACE INTO ledger VALUES (?, ?)", [.text(name), .integer(value)])
        }
        for (table, columns) in [("sources", 5), ("declarations", 3), ("tombstones", 7)] {
            try copy(table, columns: columns, from: source, to: file)
        }
        try file.execute("COMMIT")
        memory = adopted
        return Salvage(source: source, epochs: adopted.epochs)
    }

    /// Its epochs, closed. One that only the side file knows is lost, with what packets are found.
    private func epochs(_ source: SalvageSource) -> [EpochRow] {
        var rows = source.epochs().filter { $0.kind != .finished }
        for index in rows.indices {
            rows[index].kind = rows[index].kind == .lost ? .lost : .closed
            rows[index].target = 0
            rows[index].totals = [:]
        }
        if let identity = SpoolIdentity.read(directory), !rows.contains(where: { $0.epoch == identity.epoch }) {
            let taken = rows.map(\.id).max() ?? 0
            let highest = max(source.highestEpoch() ?? carvedEpoch(source) ?? 0, taken + 1)
            rows.append(EpochRow(id: highest, epoch: identity.epoch, kind: .lost))
        }
        return rows
    }

    /// The greatest epoch row of packets that only a search through the pages finds.
    private func carvedEpoch(_ source: SalvageSource) -> Int64? {
        let carver = PageCarver(path: source.path)
        var highest: Int64?
        for page in 1..<carver.pageCount + 1 {
            for row in carver.rows(page: page) { highest = max(highest ?? 0, RowKey.epoch(row.id)) }
        }
        return highest
    }

    /// Rows of a small table, as far as they can be read.
    private func copy(
        _ table: String, columns: Int, from source: SalvageSource, to file: SpoolFile
    ) throws(SQLiteError) {
        var rows: [[SQLiteValue]] = []
        try? source.file?.rows("SELECT * FROM \(table)") { row throws(SQLiteError) in
            rows.append((0..<columns).map { row.value($0) })
            return true
        }
        let places = [String](repeating: "?", count: columns).joined(separator: ", ")
        for row in rows { try? file.run("INSERT OR REPLACE INTO \(table) VALUES (\(places))", row) }
    }
}

extension Spool {
    /// Reads what was set aside for some seconds at most, since others wait for the spool; `maintain` does the rest.
    mutating func salvageForAWhile() {
        do throws(SpoolError) { try salvage(for: .seconds(3)) } catch {
            // A full disk: `maintain` goes on when there is room. Everything else has marked the spool as broken, and says so at the next
            // call.
        }
    }
}
