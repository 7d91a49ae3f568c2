internal import PerigeeCore
internal import PerigeeSQLite

/// Part of the disk that is free, where classes stop taking more of it: class 3 below a tenth, class 2 below a twentieth.
private let scarce = [3: 10, 2: 20]

extension Spool {
    /// Octets that packets may take up in all when one of this class joins them.
    func room(priority: Int) -> Int {
        let quota = priority <= 1 ? configuration.quota : configuration.quota - configuration.reserved
        guard let disk = upkeep.disk else { return quota }
        // What the file has to itself already, and what is free beyond a reserve; none of that where this class has to stop.
        // Without ballast some of what is its own stays so: trees need a few pages more than what is put into them.
        let isScarce = scarce[priority].map { disk.free < disk.total / $0 } ?? false
        let free = isScarce ? 0 : max(0, disk.free - reserve(disk))
        let more = disk.hasBallast ? free : free - min(1 << 20, configuration.ballast / 8)
        let (sum, overflow) = (disk.charge + disk.own).addingReportingOverflow(more)
        return overflow ? quota : min(quota, sum)
    }

    /// Octets of a disk that packets leave free: the log needs them, and they are the ballast where there is none.
    private func reserve(_ disk: DiskRoom) -> Int {
        let log = max(logLimit * Schema.pageSize, disk.total / 50)
        return disk.hasBallast ? log : log + configuration.ballast
    }

    /// Asks how much the disk still gives.
    mutating func measureDisk() throws(SpoolError) {
        guard let room = SystemFiles.room(directory) else {
            upkeep.disk = nil
            return
        }
        var pages: Int64 = 0
        try read { spool throws(SQLiteError) in pages = try spool.file.integer("PRAGMA freelist_count") ?? 0 }
        upkeep.disk = DiskRoom(
            free: room.free, total: room.total, own: Int(pages) * Schema.pageSize, charge: memory.charge,
            hasBallast: Ballast.isWhole(directory, size: configuration.ballast))
    }

    /// Makes room on a full disk, or in a file at its page limit: gives the ballast back, empties rings, then gives up packets by class,
    /// in small transactions, until the file has some free pages of its own or nothing is left.
    mutating func relieve() throws(SpoolError) {
        upkeep.timesFull += 1
        Ballast.remove(directory)
        for _ in 0..<100 {
            try checkpointQuietly()
            var pages: Int64 = 0
            try read { spool throws(SQLiteError) in pages = try spool.file.integer("PRAGMA freelist_count") ?? 0 }
            guard pages < min(1_024, configuration.pageLimit / 8) else { return }
            let before = memory
            do throws(SpoolError) {
                try directly { spool throws(SQLiteError) in try spool.shrink() }
            } catch {
                guard case .full = error else { throw error }
                return
            }
            guard memory != before else { return }
        }
    }

    /// After the disk was full: builds the ballast again, and where there is no room for it gives up rings and packets of classes 2 and 3,
    /// and their pages back to the disk, a step at a time.
    mutating func restoreBallast() throws(SpoolError) {
        guard let disk = upkeep.disk, !disk.hasBallast else { return }
        if disk.free >= configuration.ballast + reserve(disk) {
            Ballast.build(directory, size: configuration.ballast)
            try measureDisk()
        } else if upkeep.timesFull > 0 {
            if disk.own < 2 << 20 {
                try quietly { spool throws(SpoolError) in
                    try spool.directly { spool throws(SQLiteError) in try spool.shrink(priority: 2) }
                }
            }
            try quietly { spool throws(SpoolError) in
                try spool.read { spool throws(SQLiteError) in
                    try spool.file.rows("PRAGMA incremental_vacuum(256)") { _ throws(SQLiteError) in true }
                }
                try spool.boundLog()
            }
        }
    }

    /// A full disk is no failure of what is only to make room.
    private mutating func quietly(_ body: (inout Spool) throws(SpoolError) -> Void) throws(SpoolError) {
        do throws(SpoolError) { try body(&self) } catch {
            switch error {
            case .full: return
            case .database(let cause) where cause.kind == .full: return
            default: throw error
            }
        }
    }

    /// One step of giving up: rings first.
    private mutating func shrink(priority: Int = 1) throws(SQLiteError) {
        let before = memory
        try trimRaw(to: memory.total(Slot.raw) / 2)
        if memory.total(Slot.raw) < 1 << 20 { try trimRaw(to: 0) }
        try trimFiner(to: 0)
        try trimSent(to: 0)
        guard memory == before else { return }
        givenUp += try drop(.room(size: 1 << 20, priority: priority)).frames
    }

    private mutating func checkpointQuietly() throws(SpoolError) {
        do throws(SQLiteError) { try file.checkpoint("PASSIVE") } catch {
            guard error.kind == .full else {
                isBroken = true
                throw .database(error)
            }
        }
        upkeep.pagesAtCheckpoint = file.pagesWritten
    }
}

/// What a disk gives.
struct DiskRoom: Equatable {
    var free: Int
    var total: Int
    /// Octets of the file that hold nothing.
    var own: Int
    /// What the quota bounded when this was asked.
    var charge: Int
    var hasBallast: Bool
}
