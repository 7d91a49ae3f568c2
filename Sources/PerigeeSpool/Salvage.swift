internal import PerigeeCore
internal import PerigeeSQLite

/// What is still to be read of a file that was set aside. The cursors are kept with what was read, so that an interrupted salvage goes on.
final class Salvage {
    enum Phase: Equatable {
        case frames, packets
        /// Looks for frames of which packets are missing, after this key of these epochs.
        case deficits(epoch: Int, after: Int64)
        case pages(next: Int)
        case holes, done
    }

    let source: SalvageSource
    /// Epochs of that file which this one has now.
    let epochs: [EpochRow]
    var phase = Phase.frames
    /// Keys that could not be read.
    var gaps: [ClosedRange<Int64>] = []
    var packets = 0
    var missing = 0

    init(source: SalvageSource, epochs: [EpochRow]) {
        self.source = source
        self.epochs = epochs
    }

    func isOf(_ id: Int64) -> Bool { epochs.contains { $0.id == id } }

    /// Notes keys without readable rows; many become few and wider.
    func add(gap: ClosedRange<Int64>) {
        if let last = gaps.last,
            gaps.count >= 1_000 || last.lowerBound <= gap.lowerBound && gap.lowerBound - 1 <= last.upperBound
        {
            gaps[gaps.count - 1] =
                min(last.lowerBound, gap.lowerBound)...max(last.upperBound, gap.upperBound)
        } else {
            gaps.append(gap)
        }
    }

    /// The numbers of an epoch that `gaps` leave open.
    func openNumbers(_ row: EpochRow) -> [Range<UInt64>] {
        let all = RowKey.all(row.id)
        return gaps.compactMap { gap in
            guard gap.overlaps(all) else { return nil }
            let keys = gap.clamped(to: all)
            let numbers = max(RowKey.number(keys.lowerBound), 1)..<RowKey.number(keys.upperBound) + 1
            let known = numbers.clamped(to: 1..<max(row.next, 1))
            return known.isEmpty ? nil : known
        }
    }
}

/// The note in the directory that a salvage is not done: the name of the folder.
enum SalvageNote {
    static func path(_ directory: String) -> String { "\(directory)/salvage" }

    static func write(_ directory: String, folder: String) throws(SpoolError) {
        try SystemFiles.replace(path(directory), with: Array(folder.utf8), directory: directory)
    }

    /// The folder; nil where nothing is to be salvaged.
    static func read(_ directory: String) -> String? {
        guard let octets = SystemFiles.read(path(directory), limit: 4_096) else { return nil }
        let name = String(decoding: octets, as: UTF8.self)
        let folder = "\(SetAside.folder(directory))/\(name)"
        return name.contains("/") || name.isEmpty || !SystemFiles.exists(folder) ? nil : folder
    }

    static func remove(_ directory: String) { SystemFiles.remove(path(directory)) }
}

extension Spool {
    /// The lowest number that a salvage may still bring.
    func salvageFloor(_ row: EpochRow) -> UInt64? {
        guard let salvage, salvage.isOf(row.id), row.next > 1 else { return nil }
        return 1
    }

    /// Reads what was set aside for so long.
    mutating func salvage(for duration: Duration) throws(SpoolError) {
        let end = ContinuousClock.now + duration
        while let salvage, ContinuousClock.now < end {
            switch salvage.phase {
            case .frames: try salvageFrames(salvage)
            case .packets: try salvagePackets(salvage)
            case .deficits(let epoch, let cursor): try findDeficits(salvage, epoch, after: cursor)
            case .pages(let next): try salvagePages(salvage, from: next)
            case .holes: try explainHoles(salvage)
            case .done:
                recovery += salvage.epochs.map {
                    .salvaged(epoch: $0.epoch, packets: salvage.packets, missing: salvage.missing)
                }
                SalvageNote.remove(directory)
                self.salvage = nil
            }
        }
    }

    private mutating func salvageFrames(_ salvage: Salvage) throws(SpoolError) {
        var frames: [FrameRow] = []
        let (next, _) = salvage.source.batch(
            table: "frames", after: memory.salvagedFrames, limit: Self.stepLimit
        ) { frames.append(FrameRow($0)) }
        try directly { spool throws(SQLiteError) in
            // One whose columns are damaged stays counted as such.
            for frame in frames where !frame.isSettled && !frame.isDamaged && salvage.isOf(RowKey.epoch(frame.id)) {
                guard let epoch = spool.memory.epochs.firstIndex(where: { $0.id == RowKey.epoch(frame.id) }) else {
                    continue
                }
                try spool.file.write(frame)
                spool.memory.epochs[epoch].change(Slot.frames, count: 1, size: 0)
                spool.memory.ledger.resume()
            }
            spool.memory.salvagedFrames = next ?? .max
        }
        if next == nil { salvage.phase = .packets }
    }

    private mutating func salvagePackets(_ salvage: Salvage) throws(SpoolError) {
        var rows: [PageCarver.Row] = []
        let cursor = memory.salvagedPackets
        let (next, gap) = salvage.source.batch(table: "packets", after: cursor, limit: Self.stepLimit) { row in
            let found = PageCarver.Row(
                id: row.integer(0), slot: Int(clamping: row.integer(1)), layer: Int(clamping: row.integer(2)),
                frame: row.isNull(3) ? nil : UInt64(clamping: row.integer(3)), packet: row.blob(5))
            if PacketRow.checksum(found.id, layer: found.layer, frame: found.frame, found.packet) == row.integer(4) {
                rows.append(found)
            } else {
                salvage.add(gap: found.id...found.id)
            }
        }
        if let gap { salvage.add(gap: gap) }
        if salvage.source.file == nil { salvage.add(gap: 1...Int64.max) }
        try directly { spool throws(SQLiteError) in
            for row in rows { try spool.take(row, salvage) }
            spool.memory.salvagedPackets = next ?? .max
        }
        guard next == nil else { return }
        salvage.phase = .deficits(epoch: 0, after: 0)
    }

    /// A tree may have lost a branch without a sign: frames that miss packets tell where.
    private mutating func findDeficits(_ salvage: Salvage, _ epoch: Int, after cursor: Int64) throws(SpoolError) {
        guard epoch < salvage.epochs.count,
            let index = memory.epochs.firstIndex(where: { $0.id == salvage.epochs[epoch].id })
        else {
            // Single rows with a wrong checksum are not to be found elsewhere; unread pages may be.
            salvage.phase = salvage.gaps.contains { $0.count > 1 } ? .pages(next: 1) : .holes
            return
        }
        let row = memory.epochs[index].id
        var frames: [FrameRow] = []
        try read { spool throws(SQLiteError) in
            frames = try spool.waitingFrames(row, after: cursor)
            for frame in frames where try spool.waitingPackets(of: frame, epoch: index) < frame.waiting {
                guard let keys = RowKey.keys(row, frame.numbers) else { continue }
                salvage.add(gap: keys.lowerBound...max(keys.upperBound, keys.lowerBound + 1))
            }
        }
        if frames.count == Self.stepLimit, let last = frames.last {
            salvage.phase = .deficits(epoch: epoch, after: last.id)
        } else {
            salvage.phase = .deficits(epoch: epoch + 1, after: 0)
        }
    }

    func waitingFrames(_ row: Int64, after cursor: Int64) throws(SQLiteError) -> [FrameRow] {
        var frames: [FrameRow] = []
        try file.rows(
            "SELECT * FROM frames WHERE settled = 0 AND id > ? AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
            [
                .integer(cursor), .integer(RowKey.all(row).lowerBound), .integer(RowKey.all(row).upperBound),
                .integer(Int64(Self.stepLimit)),
            ]
        ) { found throws(SQLiteError) in
            var frame = FrameRow(found)
            frame.isSettled = false  // as the index has it
            frames.append(frame)
            return true
        }
        return frames
    }

    /// Searches pages for rows of the gaps.
    private mutating func salvagePages(_ salvage: Salvage, from first: Int) throws(SpoolError) {
        let carver = PageCarver(path: salvage.source.path)
        let last = min(first + 16_384, carver.pageCount + 1)
        for start in stride(from: first, to: last, by: Self.stepLimit) {
            try directly { spool throws(SQLiteError) in
                for page in start..<min(start + Self.stepLimit, last) {
                    for row in carver.rows(page: page) where salvage.gaps.contains(where: { $0.contains(row.id) }) {
                        try spool.take(row, salvage)
                    }
                }
            }
        }
        salvage.phase = last > carver.pageCount ? .holes : .pages(next: last)
    }

    /// Stores a packet of the file set aside under its old number.
    private mutating func take(_ row: PageCarver.Row, _ salvage: Salvage) throws(SQLiteError) {
        guard row.slot != Slot.sent, salvage.isOf(RowKey.epoch(row.id)),
            let epoch = memory.epochs.firstIndex(where: { $0.id == RowKey.epoch(row.id) })
        else { return }
        let slot = Slot.waiting.contains(row.slot) ? row.slot : Slot.waiting(priority: 2, isFiner: row.layer > 0)
        try file.run(
            "INSERT OR IGNORE INTO packets VALUES (?, ?, ?, ?, ?, ?)",
            [
                .integer(row.id), .integer(Int64(slot)), .integer(Int64(row.layer)),
                row.frame.map { .integer(Int64(clamping: $0)) } ?? .null,
                .integer(PacketRow.checksum(row.id, layer: row.layer, frame: row.frame, row.packet)),
                .blob(row.packet),
            ])
        guard file.changedRows == 1 else { return }
        memory.epochs[epoch].change(slot, count: 1, size: row.packet.count)
        memory.epochs[epoch].next = max(memory.epochs[epoch].next, RowKey.number(row.id) + 1)
        salvage.packets += 1
    }

    /// Tombstones for numbers that could not be read, and an end for frames that lost something.
    private mutating func explainHoles(_ salvage: Salvage) throws(SpoolError) {
        for row in salvage.epochs {
            guard let index = memory.epochs.firstIndex(where: { $0.id == row.id }) else { continue }
            let open = salvage.openNumbers(memory.epochs[index])
            try directly { spool throws(SQLiteError) in
                for numbers in open { salvage.missing += try spool.buryHoles(numbers, epoch: index) }
                spool.upkeep.damaged += salvage.missing
            }
            var cursor = RowKey.base(row.id) - 1
            while let next = try auditStep(epoch: index, after: cursor) { cursor = next }
        }
        salvage.phase = .done
    }

    /// Tombstones for what `numbers` holds no packet of; answers how many numbers that are.
    mutating func buryHoles(_ numbers: Range<UInt64>, epoch: Int) throws(SQLiteError) -> Int {
        let row = memory.epochs[epoch]
        guard let keys = RowKey.keys(row.id, numbers) else { return 0 }
        var holes: [Range<UInt64>] = []
        var start = numbers.lowerBound
        try file.rows(
            "SELECT id FROM packets WHERE id BETWEEN ? AND ? ORDER BY id",
            [.integer(keys.lowerBound), .integer(keys.upperBound)]
        ) { found throws(SQLiteError) in
            let number = RowKey.number(found.integer(0))
            if start < number { holes.append(start..<number) }
            start = number + 1
            return true
        }
        if start < numbers.upperBound { holes.append(start..<numbers.upperBound) }
        let none = Timestamp(milliseconds: 0)
        for hole in holes {
            try file.insert(
                Tombstone(numbers: hole, reason: .damaged, frames: 0, size: 0, first: none, last: none), epoch: row.id)
        }
        return holes.reduce(0) { $0 + $1.count }
    }

    /// Compares frames that wait with the packets there are; where some are missing, their numbers are explained and the frame counts as
    /// damaged. Answers where to go on, nil at the end.
    mutating func auditStep(epoch: Int, after cursor: Int64) throws(SpoolError) -> Int64? {
        let row = memory.epochs[epoch]
        var next: Int64?
        try directly { spool throws(SQLiteError) in
            let frames = try spool.waitingFrames(row.id, after: cursor)
            for frame in frames {
                let present = try spool.waitingPackets(of: frame, epoch: epoch)
                guard frame.isDamaged || present < frame.waiting else { continue }
                spool.upkeep.damaged += try spool.buryHoles(frame.numbers, epoch: epoch)
                spool.givenUp += try spool.settle(
                    frames: [frame.number: frame.waiting - present], epoch: epoch
                ) { $0.dropped = $0.dropped ?? .damaged }
            }
            next = frames.count == Self.stepLimit ? frames.last?.id : nil
        }
        return next
    }

    private func waitingPackets(of frame: FrameRow, epoch: Int) throws(SQLiteError) -> Int {
        guard let keys = RowKey.keys(memory.epochs[epoch].id, frame.numbers) else { return 0 }
        return Int(
            try file.integer(
                "SELECT count(*) FROM packets WHERE id BETWEEN ? AND ? AND slot <> ? AND frame = ?",
                [
                    .integer(keys.lowerBound), .integer(keys.upperBound), .integer(Int64(Slot.sent)),
                    .integer(Int64(frame.number)),
                ]) ?? 0)
    }
}
