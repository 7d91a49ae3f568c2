public import PerigeeCore
internal import PerigeeSQLite

extension Spool {
    /// Epochs with something to send, oldest first; the last one is that of new packets.
    public mutating func epochs() throws(SpoolError) -> [Epoch] { try currentStates().map(\.epoch) }

    /// What the spool holds of `epoch` as of the last commit.
    public mutating func state(_ epoch: Epoch) throws(SpoolError) -> SpoolState {
        guard let state = try currentStates().first(where: { $0.epoch == epoch }) else {
            throw .unknownEpoch(epoch.text)
        }
        return state
    }

    /// Declarations of the epoch of new packets, by number.
    public mutating func declarations() throws(SpoolError) -> [SpoolDeclaration] { try declarations(of: epoch) }

    /// Declarations of an epoch, by number; none of one that is unknown.
    public mutating func declarations(of epoch: Epoch) throws(SpoolError) -> [SpoolDeclaration] {
        var found: [SpoolDeclaration] = []
        guard let row = memory.index(epoch).map({ memory.epochs[$0].id }) else { return [] }
        try read { spool throws(SQLiteError) in
            try spool.file.rows(
                "SELECT number, packet FROM declarations WHERE epoch = ? ORDER BY number", [.integer(row)]
            ) { row throws(SQLiteError) in
                found.append(SpoolDeclaration(number: Int(row.integer(0)), packet: row.blob(1)))
                return true
            }
        }
        return found
    }

    /// The marks of all sources, the longest unheard of first.
    public mutating func sources() throws(SpoolError) -> [SourceMark] {
        var found: [SourceMark] = []
        try read { spool throws(SQLiteError) in
            try spool.file.rows("SELECT sensor, run, newest, window FROM sources ORDER BY age, rowid") {
                row throws(SQLiteError) in
                found.append(
                    SourceMark(
                        sensor: row.text(0) ?? "", run: row.text(1) ?? "", newest: Int(row.integer(2)),
                        window: row.blob(3)))
                return true
            }
        }
        return found
    }

    /// Unsettled packets of one class with numbers in `numbers`, ascending: as many as `size` octets hold, at least one. A packet whose
    /// octets are not those that were stored goes to the quarantine, and is passed over.
    public mutating func load(
        _ epoch: Epoch, priority: Int, numbers: Range<UInt64>, size: Int
    ) throws(SpoolError) -> SpoolLoad {
        let slots = [Slot.waiting(priority: priority, isFiner: false), Slot.waiting(priority: priority, isFiner: true)]
        return try walk(epoch, slots, numbers, size: size)
    }

    /// Packets of the ring of sent ones, and unsettled ones, as `load` gives them.
    public mutating func replay(
        _ epoch: Epoch, numbers: Range<UInt64>, size: Int
    ) throws(SpoolError) -> SpoolLoad {
        try walk(epoch, [Slot.sent] + Slot.waiting, numbers, size: size)
    }

    /// Packets of a frame's first `layers` layers that were sent at once, in order, as far as they wait or are in the ring of sent ones.
    public mutating func packets(_ epoch: Epoch, frame: UInt64, layers: Int) throws(SpoolError) -> [[UInt8]] {
        guard let index = committed.index(epoch), frame < RowKey.limit else { return [] }
        let row = committed.epochs[index].id
        var found: [[UInt8]] = []
        try read { spool throws(SQLiteError) in
            guard let entry = try spool.file.frame(RowKey.key(row, frame)), let keys = RowKey.keys(row, entry.numbers)
            else { return }
            try spool.file.rows(
                """
                SELECT id, layer, checksum, packet FROM packets WHERE id BETWEEN ? AND ? AND frame = ? AND layer < ? ORDER BY id
                """,
                [
                    .integer(keys.lowerBound), .integer(keys.upperBound), .integer(Int64(frame)),
                    .integer(Int64(layers)),
                ]
            ) { packet throws(SQLiteError) in
                let octets = packet.blob(3)
                let checksum = PacketRow.checksum(
                    packet.integer(0), layer: Int(clamping: packet.integer(1)), frame: frame, octets)
                guard checksum == packet.integer(2) else { return false }
                found.append(octets)
                return true
            }
        }
        return found
    }

    private mutating func walk(
        _ epoch: Epoch, _ slots: [Int], _ numbers: Range<UInt64>, size: Int
    ) throws(SpoolError) -> SpoolLoad {
        guard let index = committed.index(epoch) else { throw .unknownEpoch(epoch.text) }
        let row = committed.epochs[index]
        let wanted = numbers.clamped(to: 1..<max(row.next, 1))
        var load = SpoolLoad(numbers: numbers, packets: [])
        var damaged: [UInt64] = []
        guard let keys = RowKey.keys(row.id, wanted) else { return load }
        let (first, second) = slots.count == 2 ? (slots[0], slots[1]) : (0, 0)
        let sql =
            slots.count == 2
            ? """
            SELECT id, slot, layer, frame, checksum, packet FROM packets WHERE slot = ?1 AND id BETWEEN ?3 AND ?4 UNION ALL
            SELECT id, slot, layer, frame, checksum, packet FROM packets WHERE slot = ?2 AND id BETWEEN ?3 AND ?4 ORDER BY id
            """ : "SELECT id, slot, layer, frame, checksum, packet FROM packets WHERE id BETWEEN ?3 AND ?4 ORDER BY id"
        var total = 0
        try read { spool throws(SQLiteError) in
            let values: [SQLiteValue] = [
                .integer(Int64(first)), .integer(Int64(second)), .integer(keys.lowerBound), .integer(keys.upperBound),
            ]
            try spool.file.rows(sql, values) { row throws(SQLiteError) in
                let number = RowKey.number(row.integer(0))
                let packet = row.blob(5)
                let checksum = PacketRow.checksum(
                    row.integer(0), layer: Int(clamping: row.integer(2)),
                    frame: row.isNull(3) ? nil : UInt64(clamping: row.integer(3)), packet)
                guard checksum == row.integer(4) else {
                    damaged.append(number)
                    return true
                }
                guard total == 0 || total + packet.count <= size else {
                    load.numbers = numbers.lowerBound..<number
                    return false
                }
                total += packet.count
                let slot = Int(row.integer(1))
                load.packets.append(
                    SpooledPacket(
                        number: number, priority: slot == Slot.sent ? 3 : Slot.priority(slot), packet: packet))
                return true
            }
        }
        for number in damaged {
            _ = try quarantineDamaged(epoch, number: number)
        }
        return load
    }

    /// Reads; a file that cannot be read is marked as damaged.
    mutating func read(_ body: (inout Spool) throws(SQLiteError) -> Void) throws(SpoolError) {
        guard !isBroken else { throw .failedBefore(path: directory) }
        do throws(SQLiteError) { try body(&self) } catch {
            guard error.kind == .damaged else { throw .database(error) }
            isBroken = true
            DamageMark.write(directory, reason: "\(error)")
            throw .damaged(error)
        }
    }

    private mutating func currentStates() throws(SpoolError) -> [SpoolState] {
        if let states { return states }
        var found: [SpoolState] = []
        try read { spool throws(SQLiteError) in found = try spool.readStates() }
        states = found
        return found
    }

    /// States of the epochs, read from the file while no transaction is open.
    func readStates() throws(SQLiteError) -> [SpoolState] {
        var states: [SpoolState] = []
        for row in committed.epochs where row.kind != .moving && row.kind != .finished {
            states.append(try readState(row))
        }
        return states
    }

    private func readState(_ row: EpochRow) throws(SQLiteError) -> SpoolState {
        let tombstones = try file.tombstones(RowKey.all(row.id), limit: SpoolState.tombstoneLimit)
        var lowestPacket: Int64?
        for slot in Slot.waiting where row.totals[slot]?.count ?? 0 > 0 {
            guard let id = try file.lowestPacket(slot: slot, RowKey.all(row.id)) else { continue }
            lowestPacket = min(lowestPacket ?? id, id)
        }
        let numbers = [lowestPacket.map(RowKey.number), tombstones.first?.numbers.lowerBound, salvageFloor(row)]
        let held = row.held
        return SpoolState(
            epoch: row.epoch, lowest: numbers.compactMap { $0 }.min() ?? row.next, next: row.next,
            heldCount: held.count, heldSize: held.size,
            heldByPriority: (0..<4).map { priority in
                [false, true].reduce(0) {
                    $0 + (row.totals[Slot.waiting(priority: priority, isFiner: $1)]?.size ?? 0)
                }
            },
            oldest: held.count == 0 ? nil : try oldest(row), tombstones: tombstones,
            isClosed: row.kind != .current, isLost: row.kind == .lost)
    }

    /// When the oldest frame that waits was stored.
    private func oldest(_ row: EpochRow) throws(SQLiteError) -> Timestamp? {
        var oldest: Timestamp?
        try file.rows(
            "SELECT * FROM frames WHERE settled = 0 AND id BETWEEN ? AND ? ORDER BY id LIMIT 8",
            [.integer(RowKey.all(row.id).lowerBound), .integer(RowKey.all(row.id).upperBound)]
        ) { found throws(SQLiteError) in
            let frame = FrameRow(found)
            oldest = frame.isDamaged ? nil : frame.stored
            return frame.isDamaged
        }
        return oldest
    }
}
