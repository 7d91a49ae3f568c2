public import PerigeeCore
internal import PerigeeSQLite

extension Spool {
    /// Keeps the finer layers and the raw samples of a frame in their rings.
    mutating func keep(_ frame: SpoolFrame, key: Int64, epoch: Int) throws(SQLiteError) {
        let size = frame.finer.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
        if size > 0, size <= configuration.finerRing {
            for (index, packets) in frame.finer.enumerated() {
                for packet in packets {
                    try file.run(
                        "INSERT INTO finer VALUES (NULL, ?, ?, ?, ?)",
                        [
                            .integer(key), .integer(Int64(frame.layers.count + index)),
                            .integer(Int64(CRC32C.checksum(packet))), .blob(packet),
                        ])
                    memory.epochs[epoch].change(Slot.finer, count: 1, size: packet.count)
                }
            }
            try trimFiner(to: configuration.finerRing)
        }
        if let raw = frame.raw, !raw.isEmpty, raw.count <= min(configuration.rawRing, Self.rawLimit) {
            try file.run(
                "INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?)",
                [
                    .integer(key), .integer(Int64(frame.layers.count)), .integer(Int64(CRC32C.checksum(raw))),
                    .blob(raw),
                ])
            memory.epochs[epoch].change(Slot.raw, count: 1, size: raw.count)
            try trimRaw(to: configuration.rawRing)
        }
    }

    /// Octets of a raw frame at most: SQLite takes no rows of 1 GB.
    private static var rawLimit: Int { 256 << 20 }

    /// Sends the first `layers` layers of a frame, as far as they were not sent, under new numbers; nil where the ring has none of
    /// them any more.
    public mutating func refine(
        _ epoch: Epoch, frame: UInt64, layers: Int, priority: Int
    ) throws(SpoolError) -> RefinedPackets? {
        try check(epoch)
        var refined: RefinedPackets?
        try change(.refine(epoch, frame: frame, layers: layers, priority: priority)) { spool throws(SQLiteError) in
            refined = try spool.insertFiner(epoch, frame: frame, layers: layers, priority: priority)
        }
        return refined
    }

    mutating func insertFiner(
        _ epoch: Epoch, frame: UInt64, layers: Int, priority: Int
    ) throws(SQLiteError) -> RefinedPackets? {
        // A closed epoch has no new numbers.
        guard let index = memory.index(epoch), memory.epochs[index].kind == .current, frame < RowKey.limit else {
            return nil
        }
        var found: [(id: Int64, layer: Int, packet: [UInt8])] = []
        var damaged: Int?
        try file.rows(
            "SELECT id, layer, checksum, packet FROM finer WHERE frame = ? ORDER BY layer, id",
            [.integer(RowKey.key(memory.epochs[index].id, frame))]
        ) { row throws(SQLiteError) in
            let packet = row.blob(3)
            guard Int(row.integer(1)) < layers else { return false }
            guard Int64(CRC32C.checksum(packet)) == row.integer(2) else {
                damaged = Int(row.integer(1))
                return false
            }
            found.append((row.integer(0), Int(row.integer(1)), packet))
            return true
        }
        // Behind a damaged packet nothing is of use, nor is the rest of its layer.
        if let damaged { found.removeAll { $0.layer >= damaged } }
        guard let lowest = found.first?.layer, let highest = found.last?.layer else { return nil }
        let key = SQLiteValue.integer(RowKey.key(memory.epochs[index].id, frame))
        if let sent = try file.integer("SELECT layers FROM raw WHERE id = ?", [key]) {
            // The ring forgot some below: they are of use only together, and can be made again.
            guard lowest <= sent else { return nil }
            try file.run("UPDATE raw SET layers = ? WHERE id = ?", [.integer(max(sent, Int64(highest) + 1)), key])
        }
        let first = memory.epochs[index].next
        for (id, layer, packet) in found {
            try add(
                packet, epoch: index, priority: max(1, min(priority, 3)), layer: layer, isFiner: layer > 0, frame: nil)
            try file.run("DELETE FROM finer WHERE id = ?", [.integer(id)])
            memory.epochs[index].change(Slot.finer, count: -1, size: -packet.count)
        }
        return RefinedPackets(numbers: first..<memory.epochs[index].next, layers: lowest..<highest + 1)
    }

    /// The raw samples of a frame, while the ring has them; nil for a frame that was given up.
    public mutating func raw(_ epoch: Epoch, frame: UInt64) throws(SpoolError) -> KeptFrame? {
        guard let index = committed.index(epoch), frame < RowKey.limit else { return nil }
        let key = RowKey.key(committed.epochs[index].id, frame)
        var found: KeptFrame?
        try read { spool throws(SQLiteError) in
            guard let row = try spool.file.frame(key), row.dropped == nil, !row.isRejected else { return }
            try spool.file.rows("SELECT layers, checksum, octets FROM raw WHERE id = ?", [.integer(key)]) {
                raw throws(SQLiteError) in
                let octets = raw.blob(2)
                guard Int64(CRC32C.checksum(octets)) == raw.integer(1) else { return false }
                // Of a thinned frame the coarsest layer alone is sure to have gone out.
                found = KeptFrame(
                    octets: octets, layers: row.isThinned ? 1 : Int(clamping: raw.integer(0)), label: row.label,
                    priority: row.priority)
                return false
            }
        }
        return found
    }

    /// Sends layers of a frame that were made anew, the first of them `layer`, under new numbers; nil where there is no room for them, or
    /// the epoch takes no packets any more.
    public mutating func extend(
        _ epoch: Epoch, frame: UInt64, from layer: Int, packets: [[[UInt8]]], priority: Int
    ) throws(SpoolError) -> RefinedPackets? {
        try check(epoch)
        let need = packets.joined().reduce(0) { $0 + $1.count + 64 }
        guard memory.charge + need <= room(priority: max(1, min(priority, 3))) else { return nil }
        var refined: RefinedPackets?
        let layers = RefinedLayers(epoch: epoch, frame: frame, first: layer, packets: packets, priority: priority)
        try change(.extend(layers)) { spool throws(SQLiteError) in refined = try spool.insert(layers) }
        return refined
    }

    mutating func insert(_ layers: RefinedLayers) throws(SQLiteError) -> RefinedPackets? {
        guard let index = memory.index(layers.epoch), memory.epochs[index].kind == .current,
            layers.frame < RowKey.limit
        else { return nil }
        let first = memory.epochs[index].next
        for (offset, packets) in layers.packets.enumerated() {
            for packet in packets {
                try add(
                    packet, epoch: index, priority: max(1, min(layers.priority, 3)), layer: layers.first + offset,
                    isFiner: layers.first + offset > 0, frame: nil)
            }
        }
        try file.run(
            "UPDATE raw SET layers = max(layers, ?) WHERE id = ?",
            [
                .integer(Int64(layers.first + layers.packets.count)),
                .integer(RowKey.key(memory.epochs[index].id, layers.frame)),
            ])
        return RefinedPackets(
            numbers: first..<memory.epochs[index].next, layers: layers.first..<layers.first + layers.packets.count)
    }

    mutating func trimSent() throws(SQLiteError) { try trimSent(to: configuration.sentRing) }

    /// Forgets the oldest sent packets until `limit` octets are left, at most two steps' worth.
    mutating func trimSent(to limit: Int) throws(SQLiteError) {
        for index in memory.epochs.indices where memory.total(Slot.sent) > limit {
            for packet in try file.packets(
                slot: Slot.sent, RowKey.all(memory.epochs[index].id), limit: 2 * Self.stepLimit)
            {
                guard memory.total(Slot.sent) > limit else { return }
                try file.run("DELETE FROM packets WHERE id = ?", [.integer(packet.id)])
                memory.epochs[index].change(Slot.sent, count: -1, size: -packet.size)
            }
        }
    }

    /// Forgets the oldest finer layers until `limit` octets are left, each as a whole; a step's worth.
    mutating func trimFiner(to limit: Int) throws(SQLiteError) {
        var budget = Self.stepLimit
        while memory.total(Slot.finer) > limit, budget > 0 {
            var oldest: (frame: Int64, layer: Int64)?
            try file.rows("SELECT frame, layer FROM finer ORDER BY id LIMIT 1") { row throws(SQLiteError) in
                oldest = (row.integer(0), row.integer(1))
                return false
            }
            guard let (frame, layer) = oldest else { return }
            let key: [SQLiteValue] = [.integer(frame), .integer(layer)]
            try file.rows("SELECT length(packet) FROM finer WHERE frame = ? AND layer = ?", key) {
                row throws(SQLiteError) in
                count(Slot.finer, frame, -Int(row.integer(0)))
                budget -= 1
                return true
            }
            try file.run("DELETE FROM finer WHERE frame = ? AND layer = ?", key)
        }
    }

    mutating func trimRaw(to limit: Int) throws(SQLiteError) {
        while memory.total(Slot.raw) > limit {
            var oldest: (id: Int64, size: Int)?
            try file.rows("SELECT id, length(octets) FROM raw ORDER BY id LIMIT 1") { row throws(SQLiteError) in
                oldest = (row.integer(0), Int(row.integer(1)))
                return false
            }
            guard let (id, size) = oldest else { return }
            try file.run("DELETE FROM raw WHERE id = ?", [.integer(id)])
            count(Slot.raw, id, -size)
        }
    }

    private mutating func count(_ slot: Int, _ key: Int64, _ size: Int) {
        guard let index = memory.epochs.firstIndex(where: { $0.id == RowKey.epoch(key) }) else { return }
        memory.epochs[index].change(slot, count: -1, size: size)
    }

    /// Forgets what is older than the rings may be, and the rows of frames of which nothing is left; a step's worth.
    mutating func ageRings() throws(SpoolError) {
        guard configuration.hasRings else { return }
        let age = memory.clock - Int64(configuration.ringAge) * 1_000
        let old = try settledFrames(before: age)
        guard !old.isEmpty else { return }
        try directly { spool throws(SQLiteError) in
            var budget = Self.stepLimit
            for (frame, isOld) in old where budget > 0 {
                if isOld { budget -= try spool.forgetRings(of: frame) }
                let keeps = try isOld ? false : spool.hasRings(frame)
                if !keeps { try spool.file.run("DELETE FROM frames WHERE id = ?", [.integer(frame.id)]) }
                budget -= 1
            }
        }
    }

    /// The first settled frames of each epoch that are too old, or that no ring needs any more.
    private mutating func settledFrames(before age: Int64) throws(SpoolError) -> [(FrameRow, isOld: Bool)] {
        var found: [(FrameRow, isOld: Bool)] = []
        try read { spool throws(SQLiteError) in
            try spool.file.rows(
                "SELECT * FROM frames WHERE settled = 1 ORDER BY id LIMIT ?", [.integer(Int64(Self.stepLimit))]
            ) { row throws(SQLiteError) in
                var frame = FrameRow(row)
                frame.isSettled = true  // as the index has it
                found.append((frame, isOld: frame.age < age))
                return true
            }
            // Mostly the oldest is still needed, and then all behind it are: one look suffices.
            if let (first, isOld) = found.first, !isOld, try spool.hasRings(first) { found = [] }
        }
        return found
    }

    private func hasRings(_ frame: FrameRow) throws(SQLiteError) -> Bool {
        let epoch = RowKey.epoch(frame.id)
        if let keys = RowKey.keys(epoch, frame.numbers),
            try file.lowestPacket(slot: Slot.sent, keys) != nil
        {
            return true
        }
        if try file.integer("SELECT 1 FROM finer WHERE frame = ? LIMIT 1", [.integer(frame.id)]) != nil { return true }
        return try file.integer("SELECT 1 FROM raw WHERE id = ?", [.integer(frame.id)]) != nil
    }

    private mutating func forgetRings(of frame: FrameRow) throws(SQLiteError) -> Int {
        guard let index = memory.epochs.firstIndex(where: { $0.id == RowKey.epoch(frame.id) }) else { return 0 }
        var count = 0
        if let keys = RowKey.keys(memory.epochs[index].id, frame.numbers) {
            for packet in try file.packets(slot: Slot.sent, keys, limit: frame.count) {
                try file.run("DELETE FROM packets WHERE id = ?", [.integer(packet.id)])
                memory.epochs[index].change(Slot.sent, count: -1, size: -packet.size)
                count += 1
            }
        }
        for (slot, measure, remove) in [
            (
                Slot.finer, "SELECT count(*), sum(length(packet)) FROM finer WHERE frame = ?",
                "DELETE FROM finer WHERE frame = ?"
            ),
            (
                Slot.raw, "SELECT count(*), sum(length(octets)) FROM raw WHERE id = ?", "DELETE FROM raw WHERE id = ?"
            ),
        ] {
            var total = Total()
            try file.rows(measure, [.integer(frame.id)]) { row throws(SQLiteError) in
                total = Total(count: Int(row.integer(0)), size: Int(row.integer(1)))
                return false
            }
            guard total.count > 0 else { continue }
            try file.run(remove, [.integer(frame.id)])
            memory.epochs[index].change(slot, count: -total.count, size: -total.size)
            count += total.count
        }
        return count
    }
}
