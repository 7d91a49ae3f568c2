public import PerigeeCore
internal import PerigeeSQLite

/// Frames that a person means, of those that wait: all that fit each word that is given.
public struct FrameChoice: Equatable, Sendable {
    /// As the frame's sensor calls itself.
    public var sensor: String?
    public var storedBefore: Timestamp?
    public var numbers: ClosedRange<UInt64>?

    public init(sensor: String? = nil, storedBefore: Timestamp? = nil, numbers: ClosedRange<UInt64>? = nil) {
        (self.sensor, self.storedBefore, self.numbers) = (sensor, storedBefore, numbers)
    }

    func fits(_ frame: FrameRow) -> Bool {
        !frame.isDamaged && sensor.map { $0 == frame.label } ?? true && storedBefore.map { frame.stored < $0 } ?? true
            && numbers?.contains(frame.number) ?? true
    }
}

/// A frame that was chosen, and what of it waits.
public struct ChosenFrame: Equatable, Sendable {
    public var epoch: Epoch
    public var number: UInt64
    public var packets: Int
    public var size: Int
    /// Where the search goes on.
    public var place: Int64
}

extension Spool {
    /// Waiting frames that fit, in order, from behind `place` on; at most `limit`. Call it with nothing uncommitted.
    public func chosen(
        _ choice: FrameChoice, after place: Int64 = -1, limit: Int
    ) throws(SpoolError) -> [ChosenFrame] {
        var rows: [FrameRow] = []
        do throws(SQLiteError) {
            try file.rows(
                "SELECT * FROM frames INDEXED BY frames_by_settled WHERE settled = 0 AND id > ? ORDER BY id",
                [.integer(place)]
            ) { row throws(SQLiteError) in
                let frame = FrameRow(row)
                if choice.fits(frame) { rows.append(frame) }
                return rows.count < limit
            }
            var found: [ChosenFrame] = []
            for row in rows {
                guard let index = memory.epochs.firstIndex(where: { $0.id == RowKey.epoch(row.id) }) else { continue }
                let packets = try waiting(row, epoch: index, slots: Slot.waiting)
                found.append(
                    ChosenFrame(
                        epoch: memory.epochs[index].epoch, number: row.number, packets: packets.count,
                        size: packets.reduce(0) { $0 + $1.size }, place: row.id))
            }
            return found
        } catch {
            throw error.kind == .damaged ? .damaged(error) : .database(error)
        }
    }

    /// Gives up what waits of a frame because a person says so, whatever its class. One that is settled is left alone.
    public mutating func discard(_ epoch: Epoch, frame: UInt64) throws(SpoolError) -> Settlement {
        try check(epoch)
        return try give(up: .discarded(epoch, frame: frame))
    }

    /// Packets of a frame that wait in some slots.
    func waiting(_ frame: FrameRow, epoch: Int, slots: some Sequence<Int>) throws(SQLiteError) -> [PacketRow] {
        guard let keys = RowKey.keys(memory.epochs[epoch].id, frame.numbers) else { return [] }
        var found: [PacketRow] = []
        for slot in slots where memory.epochs[epoch].totals[slot]?.count ?? 0 > 0 {
            found += try file.packets(slot: slot, keys, limit: frame.count).filter { $0.frame == frame.number }
        }
        return found
    }
}
