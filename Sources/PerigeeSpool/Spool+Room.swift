internal import PerigeeCore
internal import PerigeeSQLite

/// Part of the disk that is free, where classes stop taking more of it: class 3 below a tenth, class 2 below a twentieth.
private let scarce = [3: 10, 2: 20]

extension Spool {
    /// Octets that packets may take up in all when one of this class joins them.
    func room(priority: Int) -> Int {
        let quota = priority <= 1 ? configuration.quota : configuration.quota - configuration.reserved
        guard let disk = upkeep.disk else { return quota }
        // What the file has to itself already, and four fifths of what is free; nothing of it where this class has to stop.
        let isScarce = scarce[priority].map { disk.free < disk.total / $0 } ?? false
        let more = isScarce ? 0 : disk.free / 5 * 4
        let (sum, overflow) = (memory.charge + disk.own).addingReportingOverflow(more)
        return overflow ? quota : min(quota, sum)
    }

    /// Asks how much the disk still gives.
    mutating func measureDisk() throws(SpoolError) {
        guard let room = SystemFiles.room(directory) else {
            upkeep.disk = nil
            return
        }
        var pages: Int64 = 0
        try read { spool throws(SQLiteError) in pages = try spool.file.integer("PRAGMA freelist_count") ?? 0 }
        upkeep.disk = DiskRoom(free: room.free, total: room.total, own: Int(pages) * Schema.pageSize)
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

    /// One step of giving up: rings first.
    private mutating func shrink() throws(SQLiteError) {
        let before = memory
        try trimRaw(to: memory.total(Slot.raw) / 2)
        try trimFiner(to: 0)
        try trimSent(to: 0)
        guard memory == before else { return }
        givenUp += try drop(.room(size: 1 << 20, priority: 1)).frames
    }

    private mutating func checkpointQuietly() throws(SpoolError) {
        do throws(SQLiteError) { try file.checkpoint("TRUNCATE") } catch {
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
}
