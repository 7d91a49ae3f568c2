internal import PerigeeCore
internal import PerigeeSQLite

/// A file that was set aside, opened for reading only: nothing of it is changed, but that pages of its schema that cannot be read are
/// put right from a fresh file, after a copy of them was kept beside it.
final class SalvageSource {
    let folder: String
    /// Nil where SQLite cannot make sense of it: then only its pages can be searched.
    private(set) var file: SpoolFile?

    var path: String { "\(folder)/\(SpoolOpening.databaseName)" }

    init(folder: String) {
        self.folder = folder
        file = Self.connect(path)
        if file == nil, (try? mendSchema()) != nil { file = Self.connect(path) }
    }

    private static func connect(_ path: String) -> SpoolFile? {
        do throws(SQLiteError) {
            let database = try Database(plain: path, access: .write)
            database.keepWALOnClose()
            let file = SpoolFile(database)
            try file.execute(
                "PRAGMA locking_mode=EXCLUSIVE; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;"
                    + "PRAGMA trusted_schema=OFF;")
            let tables = try file.integer("SELECT count(*) FROM sqlite_master WHERE sql NOT NULL")
            return tables == Int64(Schema.objects) ? file : nil
        } catch {
            return nil
        }
    }

    /// What the file says of its epochs: the rows that are whole.
    func epochs() -> [EpochRow] {
        var found: [EpochRow] = []
        try? file?.rows("SELECT * FROM epochs ORDER BY id") { row throws(SQLiteError) in
            if let row = EpochRow(row) { found.append(row) }
            return true
        }
        return found
    }

    /// The greatest epoch row that a packet or a frame belongs to.
    func highestEpoch() -> Int64? {
        ["packets", "frames"].compactMap { table in
            (try? file?.integer("SELECT max(id) FROM \(table)")).flatMap { $0 }.map(RowKey.epoch)
        }.filter { (1..<RowKey.epochLimit - 1).contains($0) }.max()
    }

    /// Counters, where they can be read whole.
    func ledger() -> SpoolMemory? {
        var memory = SpoolMemory()
        var hasSpooled = false
        guard let file else { return nil }
        do throws(SQLiteError) {
            try file.rows("SELECT name, value FROM ledger") { row throws(SQLiteError) in
                let name = row.text(0) ?? ""
                hasSpooled = hasSpooled || name == "spooled"
                memory.take(name, row.integer(1))
                return true
            }
        } catch {
            return nil
        }
        memory.quarantine = 0
        return hasSpooled ? memory : nil
    }

    /// Rows behind `cursor`, at most `limit`; where the file cannot be read there, the keys that are passed over.
    func batch(
        table: String, after cursor: Int64, limit: Int, _ take: (borrowing Statement) -> Void
    ) -> (next: Int64?, gap: ClosedRange<Int64>?) {
        guard let file else { return (nil, nil) }
        var last = cursor
        var count = 0
        do throws(SQLiteError) {
            try file.rows(
                "SELECT * FROM \(table) WHERE id > ? ORDER BY id LIMIT ?", [.integer(cursor), .integer(Int64(limit))]
            ) { row throws(SQLiteError) in
                // A damaged tree may lead in circles.
                guard row.integer(0) > last else { return false }
                last = row.integer(0)
                count += 1
                take(row)
                return true
            }
            return count < limit ? (nil, nil) : (last, nil)
        } catch {
            if last > cursor { return (last, nil) }
        }
        guard let skip = skip(table: table, from: cursor) else { return (nil, cursor + 1...Int64.max) }
        return (cursor + skip, cursor + 1...cursor + skip)
    }

    /// The least number of keys to pass over until the file can be read again; nil where it cannot.
    private func skip(table: String, from cursor: Int64) -> Int64? {
        var high: Int64 = 1
        while !isReadable(table, after: cursor + high) {
            guard high < 1 << 61, cursor < Int64.max - 4 * high else { return nil }
            high *= 2
        }
        var low = high / 2
        while low + 1 < high {
            let middle = low + (high - low) / 2
            if isReadable(table, after: cursor + middle) { high = middle } else { low = middle }
        }
        return high
    }

    private func isReadable(_ table: String, after key: Int64) -> Bool {
        guard let file else { return false }
        do throws(SQLiteError) {
            // `*`, so that the whole row is read, overflow pages too
            try file.rows("SELECT * FROM \(table) WHERE id > ? ORDER BY id LIMIT 1", [.integer(key)]) {
                row throws(SQLiteError) in
                _ = row.blob(5)
                return false
            }
            return true
        } catch {
            return false
        }
    }

    /// Brings back the pages that hold the schema, which are the same in every spool of this version.
    private func mendSchema() throws(SpoolError) {
        let template = "\(folder)/template.db"
        defer { for suffix in ["", "-wal", "-journal"] { SystemFiles.remove(template + suffix) } }
        do throws(SQLiteError) {
            let fresh = SpoolFile(try Database(plain: template, access: .write))
            try fresh.execute(Schema.form)
            try fresh.execute("BEGIN; \(Schema.tables) PRAGMA application_id=\(Schema.application);")
            try fresh.execute("PRAGMA user_version=\(Schema.version); COMMIT;")
        } catch {
            throw .database(error)
        }
        let size = Schema.pageSize
        guard let octets = SystemFiles.read(template, limit: 64 * size), octets.count >= size else { return }
        var numbers = [1]
        if octets[100] == 5 { numbers += Self.children(octets) }
        for number in numbers {
            let start = (number - 1) * size
            guard start + size <= octets.count else { return }
            var page = Array(octets[start..<start + size])
            if number == 1 {
                let pages = SystemFiles.size(path) / size
                for (place, value) in [(28, pages), (32, 0), (36, 0)] {
                    for index in 0..<4 { page[place + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * index)) }
                }
                // both versions 2: a WAL stands beside it
                page[18] = 2
                page[19] = 2
            }
            let before = SystemFiles.read(path, from: start, count: size) ?? []
            try SystemFiles.write("\(folder)/page-\(number)", before, times: 1)
            try SystemFiles.overwrite(path, page, at: start)
        }
    }

    /// Pages below the root of the schema.
    private static func children(_ octets: [UInt8]) -> [Int] {
        func number(_ place: Int) -> Int { octets[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
        let cells = Int(octets[103]) << 8 | Int(octets[104])
        return (0..<cells).map { cell in
            number(Int(octets[112 + 2 * cell]) << 8 | Int(octets[113 + 2 * cell]))
        } + [number(108)]
    }
}
