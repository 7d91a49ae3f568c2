internal import PerigeeCore
internal import PerigeeSQLite

/// A row of `frames`.
struct FrameRow: Equatable {
    var id: Int64
    var isSettled = false
    /// Packets that are not settled; the declaration's is not among them.
    var waiting: Int
    /// Numbers of its packets were `first` and on, `count` of them.
    var first: UInt64
    var count: Int
    var label: String
    var priority: Int
    var rawSize: Int
    var packetSize: Int
    var stored: Timestamp
    /// The spool's clock then.
    var age: Int64
    var isRejected = false
    var dropped: TombstoneReason?
    var isThinned = false
    /// Its columns are not those that were written: nothing is known but its key. Such a frame counts as dropped.
    private(set) var isDamaged = false

    /// Packets of a frame, at most.
    private static let countLimit: Int64 = 1 << 24

    var numbers: Range<UInt64> { first..<first + UInt64(count) }

    var number: UInt64 { RowKey.number(id) }

    var fate: SettledFrame.Fate {
        if isRejected { return .quarantined }
        if let dropped { return .dropped(dropped) }
        return .delivered(thinned: isThinned)
    }
}

extension FrameRow {
    init(_ row: borrowing Statement) {
        id = row.integer(0)
        isSettled = row.integer(1) != 0
        // A damaged row must not trap: what cannot be is brought to where it can.
        waiting = Int(min(max(row.integer(2), 0), Self.countLimit))
        first = min(UInt64(clamping: row.integer(3)), RowKey.limit - 1)
        count = Int(min(max(row.integer(4), 0), Self.countLimit))
        label = row.text(5) ?? ""
        priority = Int(min(max(row.integer(6), 0), 3))
        rawSize = Int(row.integer(7))
        packetSize = Int(row.integer(8))
        stored = Timestamp(milliseconds: row.integer(9))
        age = row.integer(10)
        isRejected = row.integer(11) != 0
        dropped = TombstoneReason(rawValue: UInt8(clamping: row.integer(12)))
        isThinned = row.integer(13) != 0
        if row.integer(14) != Int64(checksum) { self = FrameRow(damaged: id, isSettled: isSettled) }
    }

    /// Older than anything, so that whatever looks for old frames meets it.
    private init(damaged id: Int64, isSettled: Bool) {
        self.init(
            id: id, waiting: 0, first: 1, count: 0, label: "", priority: 3, rawSize: 0, packetSize: 0,
            stored: Timestamp(milliseconds: 0), age: .min)
        self.isSettled = isSettled
        dropped = .damaged
        isDamaged = true
    }

    /// Over all columns.
    private var checksum: UInt32 {
        var writer = ByteWriter()
        for value in columns {
            switch value {
            case .integer(let value): writer.writeVarint(UInt64(bitPattern: value))
            case .text(let text): writer.write(Array(text.utf8))
            default: break
            }
        }
        return CRC32C.checksum(writer.bytes)
    }

    var values: [SQLiteValue] { columns + [.integer(Int64(checksum))] }

    private var columns: [SQLiteValue] {
        [
            .integer(id), .integer(isSettled ? 1 : 0), .integer(Int64(waiting)), .integer(Int64(clamping: first)),
            .integer(Int64(count)), .text(label), .integer(Int64(priority)), .integer(Int64(rawSize)),
            .integer(Int64(packetSize)), .integer(stored.milliseconds), .integer(age), .integer(isRejected ? 1 : 0),
            .integer(Int64(dropped?.rawValue ?? 0)), .integer(isThinned ? 1 : 0),
        ]
    }
}

extension SpoolFile {
    func frame(_ id: Int64) throws(SQLiteError) -> FrameRow? {
        var found: FrameRow?
        try rows("SELECT * FROM frames WHERE id = ?", [.integer(id)]) { row throws(SQLiteError) in
            found = FrameRow(row)
            return false
        }
        // The index tells too whether it waits.
        if found?.isDamaged == true {
            found?.isSettled =
                try integer(
                    "SELECT 1 FROM frames INDEXED BY frames_by_settled WHERE settled = 0 AND id = ?", [.integer(id)])
                == nil
        }
        return found
    }

    func write(_ frame: FrameRow) throws(SQLiteError) {
        try run("INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", frame.values)
    }
}
