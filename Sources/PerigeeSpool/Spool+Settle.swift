public import PerigeeCore
internal import PerigeeSQLite

extension Spool {
    /// Takes out what the gateway holds: numbers up to `cumulative`, and those in `ranges`. Repeating it changes nothing. At most
    /// `stepLimit` packets a call: where the answer is not complete, commit and call again.
    public mutating func settle(
        _ epoch: Epoch, cumulative: UInt64, ranges: [Range<UInt64>] = []
    ) throws(SpoolError) -> Settlement {
        try check(epoch)
        var settlement = Settlement()
        try change(.settle(epoch, cumulative: cumulative, ranges: ranges)) { spool throws(SQLiteError) in
            settlement = try spool.settleRows(epoch, cumulative: cumulative, ranges: ranges)
        }
        return settlement
    }

    /// Moves a packet that the gateway refused for good into the quarantine; a tombstone explains its number.
    public mutating func setAside(
        _ epoch: Epoch, number: UInt64, reason: String
    ) throws(SpoolError) -> Settlement {
        try check(epoch)
        var settlement = Settlement()
        try change(.setAside(epoch, number: number, reason: reason, .rejected)) { spool throws(SQLiteError) in
            settlement = try spool.quarantine(epoch, number: number, reason: reason, .rejected)
        }
        return settlement
    }

    func check(_ epoch: Epoch) throws(SpoolError) {
        guard memory.index(epoch) != nil else { throw .unknownEpoch(epoch.text) }
    }

    mutating func settleRows(
        _ epoch: Epoch, cumulative: UInt64, ranges: [Range<UInt64>]
    ) throws(SQLiteError) -> Settlement {
        var settlement = Settlement()
        guard let index = memory.index(epoch) else { return settlement }
        // What the open transaction appended was shown to nobody.
        let next = committed.index(epoch).map { committed.epochs[$0].next } ?? 1
        let all = [1..<min(cumulative, next - 1) + 1] + ranges.map { $0.clamped(to: 1..<next) }
        var frames: [UInt64: Int] = [:]
        var budget = Self.stepLimit
        for numbers in all {
            guard let keys = RowKey.keys(memory.epochs[index].id, numbers) else { continue }
            budget -= try settleTombstones(keys, limit: budget)
            for slot in Slot.waiting where memory.epochs[index].totals[slot]?.count ?? 0 > 0 {
                guard budget > 0 else { break }
                for packet in try file.packets(slot: slot, keys, limit: budget) {
                    try retire(packet, epoch: index)
                    if let frame = packet.frame {
                        frames[frame, default: 0] += 1
                    } else if Slot.priority(packet.slot) > 0 {
                        settlement.refined.append(packet.number)
                    }
                    settlement.packets += 1
                    budget -= 1
                }
            }
        }
        settlement.isComplete = budget > 0
        settlement.frames = try settle(frames: frames, epoch: index)
        try trimSent()
        return settlement
    }

    /// A settled packet goes into the ring of sent ones, or away where there is none.
    private mutating func retire(_ packet: PacketRow, epoch: Int) throws(SQLiteError) {
        memory.epochs[epoch].change(packet.slot, count: -1, size: -packet.size)
        if configuration.sentRing > 0 {
            try file.run(
                "UPDATE packets SET slot = ? WHERE id = ?", [.integer(Int64(Slot.sent)), .integer(packet.id)])
            memory.epochs[epoch].change(Slot.sent, count: 1, size: packet.size)
        } else {
            try file.run("DELETE FROM packets WHERE id = ?", [.integer(packet.id)])
        }
    }

    /// Tombstones whose numbers the gateway holds go; one of which it holds the first numbers shrinks. Answers how many it looked at.
    private mutating func settleTombstones(_ keys: ClosedRange<Int64>, limit: Int) throws(SQLiteError) -> Int {
        var found: [(id: Int64, next: Int64)] = []
        try file.rows(
            "SELECT id, next FROM tombstones WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
            [.integer(keys.lowerBound), .integer(keys.upperBound), .integer(Int64(limit))]
        ) { row throws(SQLiteError) in
            found.append((row.integer(0), row.integer(1)))
            return true
        }
        for (id, next) in found {
            if next - 1 <= keys.upperBound {
                try file.run("DELETE FROM tombstones WHERE id = ?", [.integer(id)])
            } else {
                try file.run(
                    "UPDATE tombstones SET id = ? WHERE id = ?", [.integer(keys.upperBound + 1), .integer(id)])
            }
        }
        return found.count
    }

    /// Counts packets off their frames; answers the frames that have none left.
    mutating func settle(
        frames: [UInt64: Int], epoch: Int, _ mark: (inout FrameRow) -> Void = { _ in }
    ) throws(SQLiteError) -> [SettledFrame] {
        var settled: [SettledFrame] = []
        for (number, count) in frames.sorted(by: { $0.key < $1.key }) {
            let id = RowKey.key(memory.epochs[epoch].id, number)
            guard var frame = try file.frame(id), !frame.isSettled else { continue }
            if frame.isDamaged { upkeep.damaged += 1 }
            mark(&frame)
            frame.waiting -= count
            if frame.waiting <= 0 {
                frame.isSettled = true
                settled.append(frame.settled(memory.epochs[epoch].epoch))
                memory.ledger.settle(frame.fate)
                memory.epochs[epoch].change(Slot.frames, count: -1, size: 0)
            }
            if frame.isSettled && !configuration.hasRings {
                try file.run("DELETE FROM frames WHERE id = ?", [.integer(id)])
            } else {
                try file.write(frame)
            }
        }
        return settled
    }
}

extension FrameRow {
    func settled(_ epoch: Epoch) -> SettledFrame {
        SettledFrame(
            epoch: epoch, number: number, label: label, priority: priority, rawSize: rawSize, packetSize: packetSize,
            stored: stored, fate: fate)
    }
}

extension SpoolConfiguration {
    var hasRings: Bool { sentRing > 0 || finerRing > 0 || rawRing > 0 }

    /// Whether a spool accepts them.
    public func check() throws(SpoolError) {
        func check(_ field: String, _ value: Int, _ range: ClosedRange<Int>, _ text: String) throws(SpoolError) {
            guard range.contains(value) else { throw .configuration(field: field, found: value, expected: text) }
        }
        let limit = 1 << 40
        try check("quota", quota, Self.smallestQuota...limit, "1 MiB to 1 TiB, in octets")
        try check("reserved", reserved, 0...quota / 2, "0 to half of the quota")
        try check("ballast", ballast, 0...limit, "0 to 1 TiB, in octets")
        try check("sent_ring", sentRing, 0...limit, "0 to 1 TiB, in octets")
        try check("finer_ring", finerRing, 0...limit, "0 to 1 TiB, in octets")
        try check("raw_ring", rawRing, 0...limit, "0 to 1 TiB, in octets")
        try check("ring_age", ringAge, 1...Int(Int32.max), "1 or more, in seconds")
        try check("expiry", expiry ?? 1, 1...Int(Int32.max), "1 or more, in seconds")
        try check("quarantine", quarantine, 0...limit, "0 to 1 TiB, in octets")
        try check("set_aside_files", setAsideFiles, 0...64, "0 to 64")
    }
}
