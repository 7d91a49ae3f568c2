import PerigeeCore
import PerigeeSQLite

extension MemoryStore {
    /// Puts a frame into memory, to wait for its acknowledgements.
    func remember(
        _ frame: MemoryFrame, _ position: FramePosition, now: Timestamp
    ) throws(SQLiteError) -> MemoryLedger.Refusal? {
        advance(to: now)
        return try transaction { () throws(SQLiteError) in
            // whatever had its number was never shown to anyone
            try removeWithDependents(Int64(frame.frame))
            var depth = 0
            for reference in frame.references {
                guard reference.frame < frame.frame else { return .order }
                guard let entry = try load(Int64(reference.frame)), reference.layers >= 1,
                    entry.usable >= reference.layers
                else { return .reference }
                depth = max(depth, entry.depth + 1)
            }
            guard depth <= MemoryLimit.depth else { return .depth }
            var entry = MemoryEntry(frame: frame, place: Int64(frame.frame), depth: depth)
            let size = entry.body.count
            let protected = Set(frame.references.map { Int64($0.frame) })
            guard try makeRoom(for: size + size / 8 + 8 * MemorySchema.pageSize, protected: protected) else {
                return .room
            }
            if let place = try place(position) { entry.place = place }
            try trimPending(entry.place, adding: entry.id)
            let role: FrameWorth.Role = entry.place == entry.id ? .only : .update
            entry.worth = worth(entry, role)
            try insert(entry, position)
            for reference in frame.references { try raise(Int64(reference.frame), to: entry.worth + 1) }
            return nil
        }
    }

    func worth(_ entry: MemoryEntry, _ role: FrameWorth.Role) -> Int64 {
        let size = entry.frame.layers.reduce(400) { $0 + $1.octets.count }
        return FrameWorth.worth(role, clearShare: entry.frame.clearShare, size: size, clock: clock)
    }

    /// What others depend on is worth as much as they are, all the way down.
    private func raise(_ id: Int64, to worth: Int64) throws(SQLiteError) {
        try file.run(
            "UPDATE entries SET worth = ? WHERE id = ? AND worth < ?", [.integer(worth), .integer(id), .integer(worth)])
        // what is worth more already was raised before, with all below it
        guard file.changedRows > 0, let entry = try load(id) else { return }
        for reference in entry.frame.references { try raise(Int64(clamping: reference.frame), to: worth + 1) }
    }

    /// The place that a frame belongs to: that of the entry which it shares most with, if that is half of both together.
    private func place(_ position: FramePosition) throws(SQLiteError) -> Int64? {
        var best: (share: Double, place: Int64)?
        for found in try search(position) {
            let overlap = found.box.overlap(position.key)
            let share = Double(overlap) / Double(found.box.area + position.key.area - overlap)
            if share >= 0.5, share > best?.share ?? 0 { best = (share, found.place) }
        }
        return best?.place
    }

    /// Of frames that wait at a place only a few stay: the oldest updates go first, then the oldest keys.
    private func trimPending(_ place: Int64, adding id: Int64) throws(SQLiteError) {
        var waiting: [Int64] = []
        try file.rows(
            "SELECT id FROM entries WHERE place = ? AND acknowledged & 1 = 0 ORDER BY id DESC LIMIT 64",
            [.integer(place)]
        ) { row throws(SQLiteError) in
            waiting.append(row.integer(0))
            return true
        }
        guard waiting.count >= MemoryLimit.pendingFrames else { return }
        var keys: [Int64] = []
        var updates: [Int64] = []
        for id in waiting {
            guard let entry = try load(id) else { continue }
            if entry.willBeKey { keys.append(id) } else { updates.append(id) }
        }
        for id in (keys + updates).dropFirst(MemoryLimit.pendingFrames - 1) {
            counts.forgotten += try removeWithDependents(id)
        }
    }

    // MARK: search

    /// A row that overlaps, as the index and the columns say; `load` tells whether they are true.
    struct Found {
        var id: Int64
        var box: PixelBox
        var place: Int64
        var time: Timestamp?
        var nameable: Int
        var ratio: Int
        var clearShare: Double
    }

    func search(_ position: FramePosition) throws(SQLiteError) -> [Found] {
        guard let plane = try plane(position.plane) else { return [] }
        let key = position.key
        var found: [Found] = []
        try file.rows(
            """
            SELECT b.id, b.left, b.right, b.top, b.bottom, e.place, e.time, e.acknowledged, e.layers, e.depth, e.ratio,
                e.clear FROM boxes b JOIN entries e ON e.id = b.id
            WHERE b.left <= ? AND b.right >= ? AND b.top <= ? AND b.bottom >= ? AND b.plane = ?
            LIMIT \(MemoryLimit.searchedEntries)
            """,
            ([key.right - 1, key.left, key.bottom - 1, key.top].map(Int64.init) + [plane]).map(SQLiteValue.integer)
        ) { row throws(SQLiteError) in
            let (left, top) = (Int(row.integer(1)), Int(row.integer(3)))
            let prefix = AcknowledgedLayers(bits: UInt32(clamping: row.integer(7))).prefixCount
            found.append(
                Found(
                    id: row.integer(0),
                    box: PixelBox(
                        left: left, top: top, columns: Int(row.integer(2)) - left + 1,
                        rows: Int(row.integer(4)) - top + 1),
                    place: row.integer(5),
                    time: row.isNull(6) ? nil : Timestamp(milliseconds: row.integer(6)),
                    nameable: row.integer(9) < Int64(MemoryLimit.depth)
                        ? min(prefix, Int(clamping: row.integer(8))) : 0,
                    ratio: Int(clamping: row.integer(10)), clearShare: Double(row.integer(11)) / 1_000))
            return true
        }
        return found
    }
}
