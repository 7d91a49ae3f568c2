public import PerigeeCore
internal import PerigeeSQLite

extension Spool {
    /// Explains numbers of an epoch that will never come, of a lost one above all.
    public mutating func bury(_ epoch: Epoch, _ tombstone: Tombstone) throws(SpoolError) {
        try check(epoch)
        try change(.bury(epoch, tombstone)) { spool throws(SQLiteError) in try spool.insert(tombstone, epoch) }
    }

    mutating func insert(_ tombstone: Tombstone, _ epoch: Epoch) throws(SQLiteError) {
        guard let index = memory.index(epoch), !tombstone.numbers.isEmpty,
            tombstone.numbers.upperBound < RowKey.limit
        else { return }
        let row = memory.epochs[index]
        if row.kind != .current { memory.epochs[index].next = max(row.next, tombstone.numbers.upperBound) }
        try file.insert(tombstone, epoch: row.id)
    }

    /// Moves a packet out of what waits into the quarantine, with a tombstone; one that is not there is left alone.
    mutating func quarantine(
        _ epoch: Epoch, number: UInt64, reason: String, _ tombstone: TombstoneReason
    ) throws(SQLiteError) -> Settlement {
        guard let index = memory.index(epoch), number < RowKey.limit else { return Settlement() }
        let id = RowKey.key(memory.epochs[index].id, number)
        var found: (row: PacketRow, packet: [UInt8])?
        try file.rows("SELECT slot, frame, packet FROM packets WHERE id = ?", [.integer(id)]) {
            row throws(SQLiteError) in
            let packet = row.blob(2)
            found = (
                PacketRow(
                    id: id, slot: Int(row.integer(0)), frame: row.isNull(1) ? nil : UInt64(clamping: row.integer(1)),
                    size: packet.count), packet
            )
            return false
        }
        guard let (row, packet) = found else { return Settlement() }
        try file.run("DELETE FROM packets WHERE id = ?", [.integer(id)])
        memory.epochs[index].change(row.slot, count: -1, size: -row.size)
        // A damaged packet of the ring of sent ones is settled already: nothing to explain.
        guard Slot.waiting.contains(row.slot) else { return Settlement() }
        let frame =
            try row.frame.map { number throws(SQLiteError) in
                try file.frame(RowKey.key(memory.epochs[index].id, number))
            } ?? nil
        try keep(packet, epoch, number, label: frame?.label, reason: reason)
        let stored = frame?.stored ?? Timestamp(milliseconds: 0)
        try file.insert(
            Tombstone(
                numbers: number..<number + 1, reason: tombstone, frames: 1, size: row.size, first: stored, last: stored),
            epoch: memory.epochs[index].id)
        var settlement = Settlement(packets: 1)
        // What a damaged row says of its frame may be wrong: the audit finds which frame misses it.
        if let number = row.frame, tombstone != .damaged {
            settlement.frames = try settle(frames: [number: 1], epoch: index) { $0.isRejected = true }
        }
        return settlement
    }

    /// Called where a packet read is not the one that was stored.
    mutating func quarantineDamaged(_ epoch: Epoch, number: UInt64) throws(SpoolError) -> Settlement {
        let reason = "its octets are not those that were stored"
        var settlement = Settlement()
        if isChanging || mustReplay {
            try change(.setAside(epoch, number: number, reason: reason, .damaged)) { spool throws(SQLiteError) in
                settlement = try spool.quarantine(epoch, number: number, reason: reason, .damaged)
            }
        } else {
            // No transaction that the caller knows of: it would never be committed.
            try directly { spool throws(SQLiteError) in
                settlement = try spool.quarantine(epoch, number: number, reason: reason, .damaged)
            }
        }
        upkeep.damaged += settlement.packets
        upkeep.audit = 0
        return settlement
    }

    private mutating func keep(
        _ packet: [UInt8], _ epoch: Epoch, _ number: UInt64, label: String?, reason: String
    ) throws(SQLiteError) {
        guard packet.count <= configuration.quarantine else { return }
        while memory.quarantine + packet.count > configuration.quarantine {
            guard
                let oldest = try file.integer("SELECT min(id) FROM quarantine"),
                let size = try file.integer(
                    "SELECT length(packet) FROM quarantine WHERE id = ?", [.integer(oldest)])
            else {
                memory.quarantine = 0
                break
            }
            try file.run("DELETE FROM quarantine WHERE id = ?", [.integer(oldest)])
            memory.quarantine -= Int(size)
        }
        try file.run(
            "INSERT INTO quarantine VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            [
                .blob(epoch.bytes), .integer(Int64(clamping: number)), label.map { .text($0) } ?? .null,
                .text(String(reason.prefix(200))), .integer(memory.clock), .blob(packet),
            ])
        memory.quarantine += packet.count
    }
}

extension SpoolFile {
    /// Writes a tombstone; those of the same reason that end where it begins, or begin where it ends, become one with it.
    func insert(_ tombstone: Tombstone, epoch: Int64) throws(SQLiteError) {
        var merged = tombstone
        let start = RowKey.key(epoch, tombstone.numbers.lowerBound)
        let before = try tombstones(RowKey.base(epoch)...start, limit: 1, descending: true).first
        if let before, before.reason == tombstone.reason, before.numbers.upperBound >= tombstone.numbers.lowerBound {
            merged.take(before)
        }
        let end = RowKey.key(epoch, merged.numbers.upperBound)
        if let after = try tombstones(end...end, limit: 1).first, after.reason == tombstone.reason {
            merged.take(after)
            try run("DELETE FROM tombstones WHERE id = ?", [.integer(end)])
        }
        try run(
            "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(RowKey.key(epoch, merged.numbers.lowerBound)),
                .integer(RowKey.key(epoch, merged.numbers.upperBound)), .integer(Int64(merged.reason.rawValue)),
                .integer(Int64(merged.frames)), .integer(Int64(merged.size)), .integer(merged.first.milliseconds),
                .integer(merged.last.milliseconds),
            ])
    }

    func tombstones(
        _ keys: ClosedRange<Int64>, limit: Int, descending: Bool = false
    ) throws(SQLiteError) -> [Tombstone] {
        var found: [Tombstone] = []
        try rows(
            "SELECT * FROM tombstones WHERE id BETWEEN ? AND ? ORDER BY id \(descending ? "DESC" : "") LIMIT ?",
            [.integer(keys.lowerBound), .integer(keys.upperBound), .integer(Int64(limit))]
        ) { row throws(SQLiteError) in
            let start = RowKey.number(row.integer(0))
            found.append(
                Tombstone(
                    numbers: start..<max(start + 1, RowKey.number(row.integer(1))),
                    reason: TombstoneReason(rawValue: UInt8(clamping: row.integer(2))) ?? .damaged,
                    frames: Int(row.integer(3)), size: Int(row.integer(4)),
                    first: Timestamp(milliseconds: row.integer(5)), last: Timestamp(milliseconds: row.integer(6))))
            return true
        }
        return found
    }
}

extension Tombstone {
    /// Becomes one with a neighbour.
    fileprivate mutating func take(_ other: Tombstone) {
        numbers =
            min(numbers.lowerBound, other.numbers.lowerBound)..<max(numbers.upperBound, other.numbers.upperBound)
        frames += other.frames
        size += other.size
        first = min(first, other.first)
        last = max(last, other.last)
    }
}
