public import PerigeeCore
internal import PerigeeSQLite

extension Spool {
    /// Forgets an epoch that is closed or lost and has neither packets nor tombstones left; answers whether it did. Frames of it that wait
    /// for packets which damage has taken are given up as damaged.
    public mutating func finish(_ epoch: Epoch) throws(SpoolError) -> Bool {
        let state = try state(epoch)
        guard state.isClosed, state.heldCount == 0, state.tombstones.isEmpty, let index = memory.index(epoch),
            !memory.epochs.contains(where: { $0.target == memory.epochs[index].id }),
            salvage?.isOf(memory.epochs[index].id) != true
        else { return false }
        try commit()
        while try giveUpFrames(index) {}
        try directly { spool throws(SQLiteError) in spool.memory.epochs[index].kind = .finished }
        return true
    }

    /// A step's worth of frames that wait for packets which are not there; false where there is none.
    private mutating func giveUpFrames(_ index: Int) throws(SpoolError) -> Bool {
        var found = false
        try directly { spool throws(SQLiteError) in
            let frames = try spool.waitingFrames(spool.memory.epochs[index].id, after: 0)
            found = !frames.isEmpty
            let waiting = Dictionary(frames.map { ($0.number, $0.waiting) }, uniquingKeysWith: { first, _ in first })
            spool.givenUp += try spool.settle(frames: waiting, epoch: index) { $0.dropped = $0.dropped ?? .damaged }
        }
        return found
    }

    /// Closes the epoch of new packets and begins another one: what waits is sent under its old numbers. Durable when it returns. Answers
    /// the new epoch.
    public mutating func renew() throws(SpoolError) -> Epoch {
        try commit()
        let fresh = Epoch.random()
        try directly { spool throws(SQLiteError) in
            spool.memory.epochs[spool.memory.current].kind = .closed
            let id = (spool.memory.epochs.map(\.id).max() ?? 0) + 1
            spool.memory.epochs.append(EpochRow(id: id, epoch: fresh, kind: .current))
        }
        try writeIdentity()
        return fresh
    }

    /// Begins a new epoch in the place of one whose numbers the gateway knows with other content: declarations first, then all that is
    /// unsettled, under new numbers. Durable when it returns. Answers the new epoch.
    public mutating func fork(_ epoch: Epoch) throws(SpoolError) -> Epoch {
        try check(epoch)
        try commit()
        guard let index = memory.index(epoch), memory.epochs[index].kind != .lost else {
            throw .unknownEpoch(epoch.text)
        }
        let fresh = Epoch.random()
        try directly { spool throws(SQLiteError) in try spool.beginFork(index, fresh) }
        try writeIdentity()
        while try moveStep() {}
        return fresh
    }

    private mutating func beginFork(_ index: Int, _ fresh: Epoch) throws(SQLiteError) {
        var declarations: [[UInt8]] = []
        let old = memory.epochs[index]
        let id = (memory.epochs.map(\.id).max() ?? 0) + 1
        try file.rows("SELECT packet FROM declarations WHERE epoch = ? ORDER BY number", [.integer(old.id)]) {
            row throws(SQLiteError) in
            declarations.append(row.blob(0))
            return true
        }
        try file.run(
            "INSERT INTO declarations SELECT ?, number, packet FROM declarations WHERE epoch = ?",
            [.integer(id), .integer(old.id)])
        memory.epochs[index].kind = .moving
        memory.epochs[index].target = id
        memory.epochs.append(EpochRow(id: id, epoch: fresh, kind: old.kind, nextFrame: old.nextFrame))
        let last = memory.epochs.count - 1
        for packet in declarations {
            try add(packet, epoch: last, priority: 0, layer: 0, isFiner: false, frame: nil)
        }
    }

    /// Moves the packets of some frames of a forked epoch; false where nothing is left to move.
    mutating func moveStep() throws(SpoolError) -> Bool {
        guard let source = memory.epochs.firstIndex(where: { $0.kind == .moving }),
            let target = memory.epochs.firstIndex(where: { $0.id == memory.epochs[source].target })
        else { return false }
        try directly { spool throws(SQLiteError) in
            var budget = Self.stepLimit
            while budget > 0 {
                guard let packet = try spool.lowest(source) else {
                    spool.memory.epochs[source].kind = .finished
                    spool.memory.epochs[source].target = 0
                    return
                }
                budget -= try spool.move(packet, from: source, to: target)
            }
        }
        return true
    }

    /// The waiting packet with the lowest number.
    private func lowest(_ epoch: Int) throws(SQLiteError) -> PacketRow? {
        var lowest: PacketRow?
        for slot in Slot.waiting where memory.epochs[epoch].totals[slot]?.count ?? 0 > 0 {
            let found = try file.packets(slot: slot, RowKey.all(memory.epochs[epoch].id), limit: 1).first
            if let found, found.id < lowest?.id ?? .max { lowest = found }
        }
        return lowest
    }

    /// Moves one packet, and all others of its frame that are there, those of the ring of sent ones too: the gateway may not have them.
    private mutating func move(_ packet: PacketRow, from source: Int, to target: Int) throws(SQLiteError) -> Int {
        let old = memory.epochs[source].id
        var moving = [packet]
        var frame: FrameRow?
        if let number = packet.frame {
            frame = try file.frame(RowKey.key(old, number))
            if let frame, let keys = RowKey.keys(old, frame.numbers) {
                moving = []
                for slot in [Slot.sent] + Slot.waiting {
                    moving += try file.packets(slot: slot, keys, limit: frame.count).filter { $0.frame == number }
                }
                moving.sort { $0.id < $1.id }
            }
        } else if Slot.priority(packet.slot) == 0 {
            // a declaration: the new epoch has it already
            moving = []
            try file.run("DELETE FROM packets WHERE id = ?", [.integer(packet.id)])
            memory.epochs[source].change(packet.slot, count: -1, size: -packet.size)
        }
        let first = memory.epochs[target].next
        for row in moving { try move(row, from: source, to: target, priority: frame?.priority) }
        if var frame {
            frame.id = RowKey.key(memory.epochs[target].id, frame.number)
            frame.first = first
            frame.count = moving.count
            frame.waiting = moving.count
            try file.write(frame)
            try moveRings(frame, from: source, to: target)
        }
        return max(moving.count, 1)
    }

    private mutating func move(
        _ row: PacketRow, from source: Int, to target: Int, priority: Int?
    ) throws(SQLiteError) {
        var layer = 0
        var packet: [UInt8] = []
        try file.rows("SELECT layer, packet FROM packets WHERE id = ?", [.integer(row.id)]) {
            found throws(SQLiteError) in
            layer = Int(found.integer(0))
            packet = found.blob(1)
            return false
        }
        try file.run("DELETE FROM packets WHERE id = ?", [.integer(row.id)])
        memory.epochs[source].change(row.slot, count: -1, size: -row.size)
        try add(
            packet, epoch: target, priority: priority ?? Slot.priority(row.slot), layer: layer,
            isFiner: Slot.waiting.contains(row.slot) ? Slot.isFiner(row.slot) : layer > 0, frame: row.frame)
    }

    /// The frame's row, its finer layers and its raw samples follow its packets.
    private mutating func moveRings(_ frame: FrameRow, from source: Int, to target: Int) throws(SQLiteError) {
        let old = SQLiteValue.integer(RowKey.key(memory.epochs[source].id, frame.number))
        let new = SQLiteValue.integer(frame.id)
        try file.run("DELETE FROM frames WHERE id = ?", [old])
        memory.epochs[source].change(Slot.frames, count: -1, size: 0)
        memory.epochs[target].change(Slot.frames, count: 1, size: 0)
        for (slot, measure, change) in [
            (
                Slot.finer, "SELECT count(*), sum(length(packet)) FROM finer WHERE frame = ?",
                "UPDATE finer SET frame = ? WHERE frame = ?"
            ),
            (
                Slot.raw, "SELECT count(*), sum(length(octets)) FROM raw WHERE id = ?",
                "UPDATE raw SET id = ? WHERE id = ?"
            ),
        ] {
            var total = Total()
            try file.rows(measure, [old]) { row throws(SQLiteError) in
                total = Total(count: Int(row.integer(0)), size: Int(row.integer(1)))
                return false
            }
            guard total.count > 0 else { continue }
            try file.run(change, [new, old])
            memory.epochs[source].change(slot, count: -total.count, size: -total.size)
            memory.epochs[target].change(slot, count: total.count, size: total.size)
        }
    }

    /// Removes rows of a finished epoch, a step's worth; false where there is none.
    mutating func purgeStep() throws(SpoolError) -> Bool {
        guard let index = memory.epochs.firstIndex(where: { $0.kind == .finished }) else { return false }
        let id = memory.epochs[index].id
        let keys = RowKey.all(id)
        let values: [SQLiteValue] = [
            .integer(keys.lowerBound), .integer(keys.upperBound), .integer(Int64(Self.stepLimit)),
        ]
        try directly { spool throws(SQLiteError) in
            for (table, key) in [
                ("packets", "id"), ("finer", "frame"), ("raw", "id"), ("frames", "id"), ("tombstones", "id"),
            ] {
                try spool.file.run(
                    "DELETE FROM \(table) WHERE rowid IN (SELECT rowid FROM \(table) WHERE \(key) BETWEEN ? AND ? LIMIT ?)",
                    values)
                if spool.file.changedRows == Self.stepLimit { return }
            }
            try spool.file.run("DELETE FROM declarations WHERE epoch = ?", [.integer(id)])
            try spool.file.run("DELETE FROM totals WHERE epoch = ?", [.integer(id)])
            try spool.file.run("DELETE FROM epochs WHERE id = ?", [.integer(id)])
            spool.memory.epochs.remove(at: index)
        }
        return true
    }

    /// Notes which epoch the file has now. Where that fails, the next opening begins another one, which costs a few packets.
    private func writeIdentity() throws(SpoolError) {
        guard let known = SpoolIdentity.read(directory) else { return }
        var identity = known
        identity.epoch = epoch
        try identity.write(directory)
    }

    /// One transaction of the spool's own, while no other is open; durable when it returns.
    mutating func directly(_ body: (inout Spool) throws(SQLiteError) -> Void) throws(SpoolError) {
        guard !isBroken else { throw .failedBefore(path: directory) }
        invariant(!isChanging, "a transaction of the spool's own within another")
        var isCommitting = false
        do throws(SQLiteError) {
            try file.execute("BEGIN IMMEDIATE")
            try body(&self)
            try writeMemory()
            isCommitting = true
            try file.execute("COMMIT")
            committed = memory
            states = nil
        } catch {
            if file.isInTransaction { try? file.execute("ROLLBACK") }
            let clock = memory.clock
            memory = committed
            memory.clock = clock
            switch error.kind {
            case .full: throw .full(path: directory)
            case .damaged:
                isBroken = true
                DamageMark.write(directory, reason: "\(error)")
                throw .damaged(error)
            case .io, .other:
                isBroken = true
                throw isCommitting ? .unknownFate(error) : .database(error)
            }
        }
    }
}
