internal import PerigeeCore
internal import PerigeeSQLite

/// Which waiting packets are given up.
enum DropRule: Sendable {
    /// What stands lowest, the oldest first, until `size` octets are free; nothing of classes below `priority`.
    case room(size: Int, priority: Int)
    /// Frames stored before the spool's clock showed `age`.
    case expired(age: Int64)
    /// A frame, whatever its class.
    case discarded(Epoch, frame: UInt64)

    var reason: TombstoneReason {
        switch self {
        case .room: .quota
        case .expired: .expired
        case .discarded: .discarded
        }
    }
}

extension Spool {
    /// Gives up packets of classes 1 to 3 that waited longer than `seconds` of work. At most `stepLimit` packets a call.
    public mutating func expire(olderThan seconds: Int) throws(SpoolError) -> Settlement {
        try give(up: .expired(age: memory.clock - Int64(seconds) * 1_000))
    }

    mutating func give(up rule: DropRule) throws(SpoolError) -> Settlement {
        var settlement = Settlement()
        try change(.drop(rule)) { spool throws(SQLiteError) in settlement = try spool.drop(rule) }
        return settlement
    }

    /// Takes packets away by a rule, with tombstones.
    mutating func drop(_ rule: DropRule) throws(SQLiteError) -> Settlement {
        var settlement = Settlement()
        let charge = memory.charge
        while settlement.packets < Self.stepLimit {
            if case .room(let size, _) = rule, charge - memory.charge >= size { return settlement }
            guard let victim = try victim(rule) else { return settlement }
            try drop(victim, rule.reason, into: &settlement)
        }
        settlement.isComplete = false
        return settlement
    }

    /// The packet that goes next.
    private func victim(_ rule: DropRule) throws(SQLiteError) -> PacketRow? {
        switch rule {
        case .room(_, let priority):
            for slots in Slot.droppable(from: priority) {
                if let found = try first(slots) { return found }
            }
            return nil
        case .expired(let age):
            for slots in Slot.droppable(from: 1) {
                guard let found = try first(slots, ofFrames: true), let number = found.frame,
                    let frame = try file.frame(RowKey.key(RowKey.epoch(found.id), number)), frame.age < age
                else { continue }
                return found
            }
            return nil
        case .discarded(let epoch, let number):
            guard let index = memory.index(epoch), number < RowKey.limit,
                let frame = try file.frame(RowKey.key(memory.epochs[index].id, number))
            else { return nil }
            return try waiting(frame, epoch: index, slots: Slot.waiting).first
        }
    }

    /// The oldest packet of these slots through all epochs; declarations and refined layers are of no frame.
    private func first(_ slots: [Int], ofFrames: Bool = false) throws(SQLiteError) -> PacketRow? {
        var found: PacketRow?
        for epoch in memory.epochs {
            for slot in slots where epoch.totals[slot]?.count ?? 0 > 0 {
                guard
                    let packet = try file.packets(slot: slot, RowKey.all(epoch.id), limit: 1, ofFrames: ofFrames).first
                else { continue }
                if found.map({ packet.id < $0.id }) ?? true { found = packet }
            }
            if found != nil { return found }
        }
        return nil
    }

    /// Takes away a packet and those of its frame that are of no use without it: its fellows of the finer layers where it is one of
    /// them, everything where it is of the coarsest, or a person gives up the frame.
    private mutating func drop(
        _ victim: PacketRow, _ reason: TombstoneReason, into settlement: inout Settlement
    ) throws(SQLiteError) {
        let row = RowKey.epoch(victim.id)
        guard let epoch = memory.epochs.firstIndex(where: { $0.id == row }) else { return }
        let frame =
            try victim.frame.map { number throws(SQLiteError) in try file.frame(RowKey.key(row, number)) } ?? nil
        var gone = [victim]
        if let frame {
            let isAlone = Slot.isFiner(victim.slot) && reason != .discarded
            let slots = isAlone ? victim.slot..<victim.slot + 1 : Slot.waiting
            gone += try waiting(frame, epoch: epoch, slots: slots).filter { $0.id != victim.id }
        }
        let isFiner = gone.allSatisfy { Slot.isFiner($0.slot) }
        gone.sort { $0.id < $1.id }
        for packet in gone {
            try file.run("DELETE FROM packets WHERE id = ?", [.integer(packet.id)])
            memory.epochs[epoch].change(packet.slot, count: -1, size: -packet.size)
        }
        let stored = frame?.stored ?? Timestamp(milliseconds: 0)
        for run in Self.runs(gone) {
            try file.insert(
                Tombstone(
                    numbers: run.numbers, reason: reason, frames: 1, size: run.size, first: stored, last: stored),
                epoch: row)
        }
        settlement.packets += gone.count
        guard let number = victim.frame else { return }
        settlement.frames += try settle(frames: [number: gone.count], epoch: epoch) { frame in
            if isFiner { frame.isThinned = true } else { frame.dropped = frame.dropped ?? reason }
        }
    }

    /// Packets with neighbouring numbers, together.
    private static func runs(_ packets: [PacketRow]) -> [(numbers: Range<UInt64>, size: Int)] {
        var runs: [(numbers: Range<UInt64>, size: Int)] = []
        for packet in packets {
            if let last = runs.last, last.numbers.upperBound == packet.number {
                runs[runs.count - 1] = (last.numbers.lowerBound..<packet.number + 1, last.size + packet.size)
            } else {
                runs.append((packet.number..<packet.number + 1, packet.size))
            }
        }
        return runs
    }

    /// Whether there is room for a frame, after what its class may displace is gone.
    mutating func makesRoom(for frame: SpoolFrame) throws(SpoolError) -> Bool {
        let need = frame.packetSize + 64 * frame.packetCount + 96
        let limit = room(priority: frame.priority)
        guard need <= limit else { return false }
        while memory.charge + need > limit {
            let before = memory.charge
            givenUp += try give(up: .room(size: memory.charge + need - limit, priority: frame.priority)).frames
            guard memory.charge < before else { return false }
        }
        return true
    }
}
