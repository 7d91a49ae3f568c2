import PerigeeCore
import PerigeeSQLite

extension MemoryStore {
    /// Notes layers that the far end has filed; answers how many count now, nil where the frame is not in memory.
    /// `layers` nil: all that were sent at once.
    func acknowledge(_ frame: UInt64, layers: [Int]?) throws(SQLiteError) -> Int? {
        let id = Int64(clamping: frame)
        return try transaction { () throws(SQLiteError) -> Int? in
            guard var entry = try load(id) else { return nil }
            let before = entry.usable
            entry.acknowledge(layers ?? Array(0..<entry.frame.sentLayers))
            try update(entry, hasNewBody: false)
            if entry.usable > before { try retain(entry.place) }
            return entry.usable
        }
    }

    /// Layers from `layer` on will never be sent. What was acknowledged stays.
    func giveUp(_ frame: UInt64, from layer: Int) throws(SQLiteError) {
        try transaction { () throws(SQLiteError) in
            guard var entry = try load(Int64(clamping: frame)) else { return }
            let kept = max(min(layer, entry.frame.layers.count), entry.usable)
            guard kept < entry.frame.layers.count else { return }
            if kept == 0 {
                counts.forgotten += try removeWithDependents(entry.id)
            } else {
                entry.frame.layers.removeSubrange(kept...)
                try update(entry, hasNewBody: true)
            }
        }
    }

    func forget(_ frame: UInt64) throws(SQLiteError) {
        try transaction { () throws(SQLiteError) in
            counts.forgotten += try forgetRows(Int64(clamping: frame))
        }
    }

    /// The far end wants a frame plain: what it was predicted from goes.
    func distrust(_ frame: UInt64) throws(SQLiteError) {
        try transaction { () throws(SQLiteError) in
            for reference in try load(Int64(clamping: frame))?.frame.references ?? [] {
                counts.forgotten += try forgetRows(Int64(clamping: reference.frame))
            }
        }
    }

    private func forgetRows(_ id: Int64) throws(SQLiteError) -> Int {
        guard try file.integer("SELECT 1 FROM entries WHERE id = ?", [.integer(id)]) != nil else { return 0 }
        return try removeWithDependents(id)
    }

    /// Entries of numbers that the spool does not know of.
    func drop(from nextFrame: UInt64) throws(SQLiteError) {
        try transaction { () throws(SQLiteError) in
            var ids: [Int64] = []
            try file.rows(
                "SELECT id FROM entries WHERE id >= ?", [.integer(Int64(clamping: nextFrame))]
            ) { row throws(SQLiteError) in
                ids.append(row.integer(0))
                return true
            }
            for id in ids { counts.forgotten += try removeWithDependents(id) }
        }
    }

    /// Drops entries of other firmwares; false where all are: a new file is quicker then.
    func keep(firmwares compatible: Set<UInt32>) throws(SQLiteError) -> Bool {
        try transaction { () throws(SQLiteError) in
            var others: [Int64] = []
            var count = 0
            try file.rows("SELECT id, octets FROM declarations") { row throws(SQLiteError) in
                count += 1
                var reader = ByteReader(row.blob(1))
                let declaration = try? StreamDeclaration(parsing: &reader)
                if declaration.map({ !compatible.contains($0.firmware) }) ?? true { others.append(row.integer(0)) }
                return true
            }
            if others.isEmpty { return true }
            guard others.count < count else { return false }
            var ids: [Int64] = []
            for declaration in others {
                try file.rows("SELECT id FROM entries WHERE declaration = ?", [.integer(declaration)]) {
                    row throws(SQLiteError) in
                    ids.append(row.integer(0))
                    return true
                }
            }
            for id in ids { counts.forgotten += try removeWithDependents(id) }
            return true
        }
    }

    // MARK: what stays of a place

    private struct Row {
        var id: Int64
        var member: Retention.Member
        var worth: Int64
        var size: Int
    }

    /// Lets go of what newer frames of the place make needless, and values the rest anew.
    private func retain(_ place: Int64) throws(SQLiteError) {
        let rows = try usableRows(place)
        let kept = retention.kept(rows.map(\.member))
        var left: [Row] = []
        for row in rows {
            if !kept.contains(row.member.frame), try dependents(row.id).isEmpty {
                try removeWithDependents(row.id)
                counts.replaced += 1
            } else {
                left.append(row)
            }
        }
        let keys = left.count { $0.member.isKey }
        for row in left {
            let role: FrameWorth.Role =
                row.member.isKey ? (keys == 1 ? .onlyKey : .key) : (left.count == 1 ? .only : .update)
            let worth = FrameWorth.worth(role, clearShare: row.member.clearShare, size: row.size, clock: clock)
            // what others depend on is worth as much as they are
            let isFree = try dependents(row.id).isEmpty
            guard worth > row.worth || worth < row.worth && isFree else { continue }
            try file.run("UPDATE entries SET worth = ? WHERE id = ?", [.integer(worth), .integer(row.id)])
        }
    }

    private func usableRows(_ place: Int64) throws(SQLiteError) -> [Row] {
        var rows: [Row] = []
        try file.rows(
            """
            SELECT id, time, depth, ratio, distortion, clear, worth, length(body) FROM entries
            WHERE place = ? AND acknowledged & 1 = 1 ORDER BY id DESC LIMIT 64
            """, [.integer(place)]
        ) { row throws(SQLiteError) in
            let ratio = row.integer(3)
            rows.append(
                Row(
                    id: row.integer(0),
                    member: Retention.Member(
                        frame: UInt64(clamping: row.integer(0)),
                        time: row.isNull(1) ? nil : Timestamp(milliseconds: row.integer(1)),
                        isKey: row.integer(2) == 0 && ratio > 0 && ratio <= Int64(MemoryRatio.key),
                        clearShare: Double(row.integer(5)) / 1_000,
                        distortion: row.isNull(4) ? nil : Float(bitPattern: UInt32(clamping: row.integer(4)))),
                    worth: row.integer(6), size: Int(row.integer(7)) + 400))
            return true
        }
        return rows.reversed()
    }
}
