public import PerigeeCore
internal import PerigeeSQLite

extension SpoolInspection {
    /// What the link would be told of an epoch that is not lost: its lowest unsettled number, the next one, and its unsettled
    /// tombstones, all of them.
    public func unsettled(
        _ epoch: Epoch
    ) throws(SpoolError) -> (lowest: UInt64, next: UInt64, tombstones: [Tombstone]) {
        guard let row = memory.epochs.first(where: { $0.epoch == epoch && $0.kind != .finished }) else {
            throw .unknownEpoch(epoch.text)
        }
        var lowest = row.next
        var tombstones: [Tombstone] = []
        try read { () throws(SQLiteError) in
            for slot in Slot.waiting {
                guard let id = try file.lowestPacket(slot: slot, RowKey.all(row.id)) else { continue }
                lowest = min(lowest, RowKey.number(id))
            }
            tombstones = try file.tombstones(RowKey.all(row.id), limit: .max)
        }
        return (min(lowest, tombstones.first?.numbers.lowerBound ?? lowest), row.next, tombstones)
    }

    /// Gives the unsettled packets of an epoch to `body`, ascending by number, until it answers false. Answers the numbers of packets whose octets are not those
    /// that were stored; `body` does not get them.
    public func forEachUnsettled(
        _ epoch: Epoch, _ body: (SpooledPacket) -> Bool
    ) throws(SpoolError) -> [UInt64] {
        guard let epochRow = memory.epochs.first(where: { $0.epoch == epoch && $0.kind != .finished }) else {
            throw .unknownEpoch(epoch.text)
        }
        var damaged: [UInt64] = []
        let keys = RowKey.all(epochRow.id)
        try read { () throws(SQLiteError) in
            try file.rows(
                "SELECT id, slot, layer, frame, checksum, packet FROM packets WHERE id BETWEEN ? AND ? ORDER BY id",
                [.integer(keys.lowerBound), .integer(keys.upperBound)]
            ) { row throws(SQLiteError) in
                let slot = Int(clamping: row.integer(1))
                guard Slot.waiting.contains(slot) else { return true }
                let number = RowKey.number(row.integer(0))
                let packet = row.blob(5)
                let checksum = PacketRow.checksum(
                    row.integer(0), layer: Int(clamping: row.integer(2)),
                    frame: row.isNull(3) ? nil : UInt64(clamping: row.integer(3)), packet)
                guard checksum == row.integer(4) else {
                    damaged.append(number)
                    return true
                }
                return body(SpooledPacket(number: number, priority: Slot.priority(slot), packet: packet))
            }
        }
        return damaged
    }
}
