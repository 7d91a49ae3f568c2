import PerigeeSQLite

// An entry goes only with what depends on it.
extension MemoryStore {
    /// Entries that cannot be decoded without this one, and itself.
    func closure(_ id: Int64) throws(SQLiteError) -> [Int64] {
        var found = [id]
        var seen: Set<Int64> = [id]
        var index = 0
        while index < found.count {
            for dependent in try dependents(found[index]) where seen.insert(dependent).inserted {
                found.append(dependent)
            }
            index += 1
        }
        return found
    }

    /// Entries that name this one. A link whose entry is gone counts for nothing.
    func dependents(_ id: Int64) throws(SQLiteError) -> [Int64] {
        var found: [Int64] = []
        try file.rows(
            "SELECT l.entry FROM links l JOIN entries e ON e.id = l.entry WHERE l.reference = ?", [.integer(id)]
        ) { row throws(SQLiteError) in
            found.append(row.integer(0))
            return true
        }
        return found
    }

    /// Takes entries away; answers how many there were.
    @discardableResult
    func removeWithDependents(_ id: Int64) throws(SQLiteError) -> Int {
        let ids = try closure(id)
        for id in ids { try remove(id) }
        return ids.count
    }

    private func remove(_ id: Int64) throws(SQLiteError) {
        var place: Int64?
        var (plane, declaration): (Int64, Int64) = (0, 0)
        try file.rows("SELECT place, plane, declaration FROM entries WHERE id = ?", [.integer(id)]) {
            row throws(SQLiteError) in
            (place, plane, declaration) = (row.integer(0), row.integer(1), row.integer(2))
            return false
        }
        guard let place else { return }
        try file.run("DELETE FROM entries WHERE id = ?", [.integer(id)])
        try file.run("DELETE FROM boxes WHERE id = ?", [.integer(id)])
        try file.run("DELETE FROM links WHERE reference = ?", [.integer(id)])
        try file.run("UPDATE declarations SET uses = uses - 1 WHERE id = ?", [.integer(declaration)])
        try file.run("DELETE FROM declarations WHERE id = ? AND uses <= 0", [.integer(declaration)])
        try file.run("UPDATE planes SET uses = uses - 1 WHERE id = ?", [.integer(plane)])
        try file.run("DELETE FROM planes WHERE id = ? AND uses <= 0", [.integer(plane)])
        entries = max(entries - 1, 0)
        if try file.integer("SELECT 1 FROM entries WHERE place = ? LIMIT 1", [.integer(place)]) == nil {
            places = max(places - 1, 0)
        }
    }

    /// Makes room for so many octets, the least valuable first; false where what may go does not suffice. `protected` stay.
    func makeRoom(for size: Int, protected: Set<Int64> = []) throws(SQLiteError) -> Bool {
        while try self.size() + size > quota {
            guard let victim = try victim(protected) else { return false }
            for id in victim { try remove(id) }
            counts.evictions += victim.count
        }
        return true
    }

    /// The least valuable entry that nothing depends on, or else the least valuable with all that does.
    private func victim(_ protected: Set<Int64>) throws(SQLiteError) -> [Int64]? {
        var ids: [Int64] = []
        try file.rows("SELECT id FROM entries ORDER BY worth LIMIT 16") { row throws(SQLiteError) in
            ids.append(row.integer(0))
            return true
        }
        var closures: [[Int64]] = []
        for id in ids {
            let closure = try closure(id)
            guard protected.isDisjoint(with: closure) else { continue }
            if closure.count == 1 { return closure }
            closures.append(closure)
        }
        return closures.first
    }
}
