public import PerigeeCore
internal import PerigeeSQLite

/// What a look at every row of a spool found.
public struct SpoolCheck: Equatable, Sendable {
    /// A row whose octets are not those that were stored.
    public struct DamagedRow: Equatable, Sendable {
        /// The table: `packets`, `frames`, `finer` or `raw`.
        public var table: String
        /// Of the packet, or of the frame that the octets belong to; nil where the row names no epoch that is there.
        public var epoch: Epoch?
        public var number: UInt64
    }

    /// Rows that were read, of packets, frames, finer layers and raw frames.
    public var packets = 0
    public var frames = 0
    public var finer = 0
    public var raw = 0
    /// The first of the damaged ones, and how many there are.
    public var damaged: [DamagedRow] = []
    public var damagedCount = 0
    /// What SQLite says of the file itself; empty where it is sound.
    public var structure: [String] = []
    /// Counts and octets that the file tells of itself and that its rows do not bear out.
    public var totals: [String] = []

    /// Damaged rows that are named.
    public static let namedLimit = 100

    public var isSound: Bool { damagedCount == 0 && structure.isEmpty && totals.isEmpty }
}

extension SpoolInspection {
    /// Reads every row and compares its checksum, and the file's totals with its rows. Changes nothing.
    public func check() throws(SpoolError) -> SpoolCheck {
        var check = SpoolCheck()
        try read { () throws(SQLiteError) in
            try file.rows("PRAGMA quick_check(20)") { row throws(SQLiteError) in
                let text = row.text(0) ?? ""
                if text != "ok" { check.structure.append(text) }
                return true
            }
            try checkPackets(&check)
            try file.rows("SELECT * FROM frames") { row throws(SQLiteError) in
                check.frames += 1
                if FrameRow(row).isDamaged { note("frames", key: row.integer(0), &check) }
                return true
            }
            try checkRings(&check)
            try checkTotals(&check)
        }
        return check
    }

    private func checkPackets(_ check: inout SpoolCheck) throws(SQLiteError) {
        try file.rows("SELECT id, layer, frame, checksum, packet FROM packets ORDER BY id") { row throws(SQLiteError) in
            check.packets += 1
            let checksum = PacketRow.checksum(
                row.integer(0), layer: Int(clamping: row.integer(1)),
                frame: row.isNull(2) ? nil : UInt64(clamping: row.integer(2)), row.blob(4))
            if checksum != row.integer(3) { note("packets", key: row.integer(0), &check) }
            return true
        }
    }

    private func checkRings(_ check: inout SpoolCheck) throws(SQLiteError) {
        try file.rows("SELECT frame, checksum, packet FROM finer") { row throws(SQLiteError) in
            check.finer += 1
            if Int64(CRC32C.checksum(row.blob(2))) != row.integer(1) { note("finer", key: row.integer(0), &check) }
            return true
        }
        try file.rows("SELECT id, checksum, octets FROM raw") { row throws(SQLiteError) in
            check.raw += 1
            if Int64(CRC32C.checksum(row.blob(2))) != row.integer(1) { note("raw", key: row.integer(0), &check) }
            return true
        }
    }

    private func note(_ table: String, key: Int64, _ check: inout SpoolCheck) {
        check.damagedCount += 1
        guard check.damaged.count < SpoolCheck.namedLimit else { return }
        let epoch = memory.epochs.first { $0.id == RowKey.epoch(key) }?.epoch
        check.damaged.append(.init(table: table, epoch: epoch, number: RowKey.number(key)))
    }

    /// Rows of an epoch that is being removed are not looked at: their counts go with it.
    private func checkTotals(_ check: inout SpoolCheck) throws(SQLiteError) {
        var found: [Int64: [Int: Total]] = [:]
        try file.rows(
            "SELECT id >> \(RowKey.bits), slot, count(*), sum(length(packet)) FROM packets GROUP BY 1, 2"
        ) { row throws(SQLiteError) in
            found[row.integer(0), default: [:]][Int(clamping: row.integer(1))] = Total(
                count: Int(row.integer(2)), size: Int(row.integer(3)))
            return true
        }
        for epoch in memory.epochs where epoch.kind != .finished {
            for slot in [Slot.sent] + Slot.waiting {
                let told = epoch.totals[slot] ?? Total(), there = found[epoch.id]?[slot] ?? Total()
                guard told != there else { continue }
                check.totals.append(
                    "epoch \(epoch.epoch.text) tells of \(told.count) packets with \(told.size) octets in slot \(slot), "
                        + "there are \(there.count) with \(there.size)")
            }
        }
    }
}
