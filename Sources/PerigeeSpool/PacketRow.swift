internal import PerigeeCore
internal import PerigeeSQLite

/// What a walk along a slot tells of a packet without reading its octets.
struct PacketRow: Equatable {
    var id: Int64
    var slot: Int
    /// Nil for declarations and refined layers, which count for no frame.
    var frame: UInt64?
    var size: Int

    var number: UInt64 { RowKey.number(id) }

    /// Over the octets and what says whose they are; the slot changes, and is left out.
    static func checksum(_ id: Int64, layer: Int, frame: UInt64?, _ packet: [UInt8]) -> Int64 {
        var writer = ByteWriter()
        writer.writeVarint(UInt64(bitPattern: id))
        writer.writeVarint(UInt64(bitPattern: Int64(layer)))
        writer.writeVarint(frame.map { $0 &+ 1 } ?? 0)
        return Int64(CRC32C.checksum(packet, seed: CRC32C.checksum(writer.bytes)))
    }
}

extension SpoolFile {
    func insertPacket(
        _ id: Int64, slot: Int, layer: Int, frame: UInt64?, _ packet: [UInt8]
    ) throws(SQLiteError) {
        try run(
            "INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?)",
            [
                .integer(id), .integer(Int64(slot)), .integer(Int64(layer)),
                frame.map { .integer(Int64(clamping: $0)) } ?? .null,
                .integer(PacketRow.checksum(id, layer: layer, frame: frame, packet)),
                .blob(packet),
            ])
    }

    /// Packets of one slot with keys in `keys`, ascending, at most `limit`.
    func packets(
        slot: Int, _ keys: ClosedRange<Int64>, limit: Int, ofFrames: Bool = false
    ) throws(SQLiteError) -> [PacketRow] {
        var found: [PacketRow] = []
        try rows(
            "SELECT id, frame, length(packet) FROM packets WHERE slot = ? AND id BETWEEN ? AND ?"
                + (ofFrames ? " AND frame IS NOT NULL" : "") + " ORDER BY id LIMIT ?",
            [.integer(Int64(slot)), .integer(keys.lowerBound), .integer(keys.upperBound), .integer(Int64(limit))]
        ) { row throws(SQLiteError) in
            found.append(
                PacketRow(
                    id: row.integer(0), slot: slot, frame: row.isNull(1) ? nil : UInt64(clamping: row.integer(1)),
                    size: Int(row.integer(2))))
            return true
        }
        return found
    }

    /// The lowest key of one slot in `keys`.
    func lowestPacket(slot: Int, _ keys: ClosedRange<Int64>) throws(SQLiteError) -> Int64? {
        try integer(
            "SELECT id FROM packets WHERE slot = ? AND id BETWEEN ? AND ? ORDER BY id LIMIT 1",
            [.integer(Int64(slot)), .integer(keys.lowerBound), .integer(keys.upperBound)])
    }
}

/// All keys of one epoch, or those of some of its numbers.
extension RowKey {
    static func all(_ epoch: Int64) -> ClosedRange<Int64> { base(epoch)...(base(epoch + 1) - 1) }

    static func keys(_ epoch: Int64, _ numbers: Range<UInt64>) -> ClosedRange<Int64>? {
        guard let last = numbers.last, numbers.lowerBound < limit else { return nil }
        return key(epoch, numbers.lowerBound)...key(epoch, last)
    }
}
