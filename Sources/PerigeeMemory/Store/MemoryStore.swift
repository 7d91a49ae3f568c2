import PerigeeCore
import PerigeeSQLite

/// The open file: every call is one transaction, or leaves things as they were.
final class MemoryStore {
    /// How often what happened since the file was opened.
    struct Counts {
        var damaged = 0
        var evictions = 0
        var replaced = 0
        var forgotten = 0
    }

    let file: PreparedDatabase
    let epoch: Epoch
    var quota: Int
    var retention: Retention
    var counts = Counts()
    /// As of the last commit, or of the open transaction.
    var entries = 0
    var places = 0
    /// Milliseconds that memory saw pass: the clock of worth. It never goes back, and takes no leap.
    private(set) var clock: Int64 = 0
    private var lastTime: Timestamp?
    /// Entries, places and clock as the file has them.
    private var written: (Int, Int, Int64) = (0, 0, 0)
    /// What the clock advances at once: a leap of years makes nothing old.
    private static let clockStep: Int64 = 10 * 86_400_000

    init(file: PreparedDatabase, epoch: Epoch, quota: Int, retention: Retention) throws(SQLiteError) {
        self.file = file
        self.epoch = epoch
        self.quota = quota
        self.retention = retention
        try readTotals()
    }

    /// Octets that the file uses, tables and indices included; free pages are not.
    func size() throws(SQLiteError) -> Int {
        let pages = try file.integer("PRAGMA page_count") ?? 0
        let free = try file.integer("PRAGMA freelist_count") ?? 0
        return Int(clamping: max(pages - free, 0)) * MemorySchema.pageSize
    }

    func advance(to now: Timestamp) {
        if let lastTime {
            let (step, overflow) = now.milliseconds.subtractingReportingOverflow(lastTime.milliseconds)
            clock &+= overflow ? 0 : min(max(step, 0), Self.clockStep)
        }
        lastTime = now
    }

    func transaction<Value>(_ body: () throws(SQLiteError) -> Value) throws(SQLiteError) -> Value {
        try file.run("BEGIN IMMEDIATE", [])
        do throws(SQLiteError) {
            let value = try body()
            let totals = (entries, places, clock)
            if totals != written {
                try file.run(
                    "UPDATE about SET entries = ?, places = ?, clock = ?",
                    [.integer(Int64(entries)), .integer(Int64(places)), .integer(clock)])
            }
            try file.run("COMMIT", [])
            written = totals
            return value
        } catch {
            if file.isInTransaction { try? file.run("ROLLBACK", []) }
            try? readTotals()
            throw error
        }
    }

    private func readTotals() throws(SQLiteError) {
        try file.rows("SELECT entries, places, clock FROM about") { row throws(SQLiteError) in
            entries = max(Int(clamping: row.integer(0)), 0)
            places = max(Int(clamping: row.integer(1)), 0)
            clock = max(row.integer(2), clock)
            written = (entries, places, row.integer(2))
            return false
        }
    }

    // MARK: rows

    /// An entry, checked; nil where there is none. A damaged one goes, with what depends on it.
    func load(_ id: Int64) throws(SQLiteError) -> MemoryEntry? {
        var found: MemoryEntry?
        var isThere = false
        try file.rows(
            """
            SELECT e.place, e.declaration, e.time, e.acknowledged, e.layers, e.depth, e.ratio, e.distortion, e.clear,
                e.worth, e.checksum, e.body, d.octets FROM entries e LEFT JOIN declarations d ON d.id = e.declaration
                AND length(d.octets) <= \(MemoryLimit.declarationSize)
            WHERE e.id = ? AND length(e.body) <= \(MemoryLimit.frameSize + MemoryEntry.headSize)
            """, [.integer(id)]
        ) { row throws(SQLiteError) in
            isThere = true
            found = try? entry(id, row)
            return false
        }
        if found == nil {
            if !isThere { isThere = try file.integer("SELECT 1 FROM entries WHERE id = ?", [.integer(id)]) != nil }
            if isThere {
                counts.damaged += 1
                try removeWithDependents(id)
            }
        }
        return found
    }

    private func entry(_ id: Int64, _ row: borrowing Statement) throws -> MemoryEntry {
        let octets = row.blob(12)
        let body = row.blob(11)
        var reader = ByteReader(octets)
        let declaration = try StreamDeclaration(parsing: &reader)
        var entry = MemoryEntry(
            frame: try MemoryEntry.frame(
                UInt64(clamping: id), body: body, declaration: declaration, clear: row.integer(8)),
            place: row.integer(0), acknowledged: AcknowledgedLayers(bits: UInt32(clamping: row.integer(3))),
            depth: Int(clamping: row.integer(5)), worth: row.integer(9), declaration: row.integer(1))
        guard Int64(entry.checksum(epoch: epoch, body: body, declaration: octets)) == row.integer(10),
            entry.time?.milliseconds == (row.isNull(2) ? nil : row.integer(2)),
            Int64(entry.frame.layers.count) == row.integer(4), Int64(entry.ratio) == row.integer(6),
            entry.distortion.map({ Int64($0.bitPattern) }) == (row.isNull(7) ? nil : row.integer(7))
        else {
            throw FormatError.mismatch(field: "entry \(id)", found: "other columns", expected: "those of its checksum")
        }
        entry.frame.clearShare = Double(row.integer(8)) / 1_000
        return entry
    }

    /// Writes a new entry with its box and links.
    func insert(_ entry: MemoryEntry, _ position: FramePosition) throws(SQLiteError) {
        var entry = entry
        let octets = entry.declarationOctets
        entry.declaration = try useDeclaration(octets)
        let body = entry.body
        let key = position.key
        let plane = try usePlane(position.plane)
        try file.run(
            """
            INSERT INTO entries (id, place, plane, declaration, time, acknowledged, layers, depth, ratio, distortion,
                clear, worth, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [entry.id, entry.place, plane, entry.declaration].map(SQLiteValue.integer)
                + columns(entry, body, octets) + [.blob(body)])
        try file.run(
            "INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?)",
            ([entry.id] + [key.left, key.right - 1, key.top, key.bottom - 1].map(Int64.init) + [plane, plane])
                .map(SQLiteValue.integer))
        for reference in entry.frame.references {
            try file.run(
                "INSERT OR IGNORE INTO links VALUES (?, ?)",
                [.integer(Int64(clamping: reference.frame)), .integer(entry.id)])
        }
        entries += 1
        if entry.place == entry.id { places += 1 }
    }

    /// Writes what changed of an entry; its body only where that did.
    func update(_ entry: MemoryEntry, hasNewBody: Bool) throws(SQLiteError) {
        let body = entry.body
        try file.run(
            """
            UPDATE entries SET time = ?, acknowledged = ?, layers = ?, depth = ?, ratio = ?, distortion = ?, clear = ?,
                worth = ?, checksum = ? WHERE id = ?
            """,
            columns(entry, body, entry.declarationOctets) + [.integer(entry.id)])
        guard hasNewBody else { return }
        try file.run("UPDATE entries SET body = ? WHERE id = ?", [.blob(body), .integer(entry.id)])
    }

    private func columns(_ entry: MemoryEntry, _ body: [UInt8], _ declaration: [UInt8]) -> [SQLiteValue] {
        [
            entry.time.map { .integer($0.milliseconds) } ?? .null, .integer(Int64(entry.acknowledged.bits)),
            .integer(Int64(entry.frame.layers.count)), .integer(Int64(entry.depth)), .integer(Int64(entry.ratio)),
            entry.distortion.map { .integer(Int64($0.bitPattern)) } ?? .null, .integer(entry.clear),
            .integer(entry.worth),
            .integer(Int64(entry.checksum(epoch: epoch, body: body, declaration: declaration))),
        ]
    }

    /// Row of a plane; nil where no entry lies in it.
    func plane(_ key: [UInt8]) throws(SQLiteError) -> Int64? {
        try file.integer("SELECT id FROM planes WHERE key = ?", [.blob(key)])
    }

    private func usePlane(_ key: [UInt8]) throws(SQLiteError) -> Int64 {
        if let known = try plane(key) {
            try file.run("UPDATE planes SET uses = uses + 1 WHERE id = ?", [.integer(known)])
            return known
        }
        try file.run("INSERT INTO planes (uses, key) VALUES (1, ?)", [.blob(key)])
        return file.lastInsertedRow
    }

    private func useDeclaration(_ octets: [UInt8]) throws(SQLiteError) -> Int64 {
        let checksum = Int64(CRC32C.checksum(octets))
        let values: [SQLiteValue] = [.integer(checksum), .blob(octets)]
        if let known = try file.integer("SELECT id FROM declarations WHERE checksum = ? AND octets = ?", values) {
            try file.run("UPDATE declarations SET uses = uses + 1 WHERE id = ?", [.integer(known)])
            return known
        }
        try file.run("INSERT INTO declarations (checksum, uses, octets) VALUES (?, 1, ?)", values)
        return file.lastInsertedRow
    }
}
