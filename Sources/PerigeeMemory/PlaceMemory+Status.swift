import PerigeeCore
import PerigeeSQLite

extension PlaceMemory {
    /// Counters since the start, and what the file holds now.
    public var status: Status {
        var status = counters
        status.quota = configuration.quota
        guard let store else { return status }
        status.isAvailable = true
        status.entries = store.entries
        status.places = store.places
        status.size = (try? store.size()) ?? 0
        status.add(store.counts)
        return status
    }

    /// Runs `body` on the file; nil where there is none, or it failed. A damaged file is set aside, and a new one begins.
    @discardableResult
    mutating func attempt<Value>(_ body: (MemoryStore) throws(SQLiteError) -> Value) -> Value? {
        switch result(body) {
        case .success(let value): return value
        case .failure(let error):
            counters.failures += 1
            // no one else may hold the file then: its last reference closes it
            if error.isDamage { beginAnew("\(error)") }
        case nil: counters.unavailable += 1
        }
        return nil
    }

    private func result<Value>(
        _ body: (MemoryStore) throws(SQLiteError) -> Value
    ) -> Result<Value, SQLiteError>? {
        guard let store else { return nil }
        do throws(SQLiteError) { return .success(try body(store)) } catch { return .failure(error) }
    }
}

extension PlaceMemory.Status {
    mutating func add(_ counts: MemoryStore.Counts) {
        damaged += counts.damaged
        evictions += counts.evictions
        replaced += counts.replaced
        forgotten += counts.forgotten
    }
}

extension PlaceMemory {
    /// SQLite refuses to grow the file beyond this, as on a full disk: for tests.
    package mutating func limitPages(toSize size: Int) {
        attempt { store throws(SQLiteError) in
            try store.file.execute("PRAGMA max_page_count=\(size / MemorySchema.pageSize)")
        }
    }
}
