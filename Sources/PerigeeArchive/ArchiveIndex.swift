internal import PerigeeCore
internal import PerigeeSQLite

/// The writing side of the index. Source: Docs/archive-format.md section 4.
struct ArchiveIndex: ~Copyable {
    static let version: Int64 = 2
    let database: Database
    private let selectEpoch: Statement
    private let insertEpoch: Statement
    private let selectPacket: Statement
    private let insertPacket: Statement
    private let upsertFrame: Statement
    private let insertDeclaration: Statement
    private let touchFrames: Statement
    private let upsertSegment: Statement
    private let selectTombstone: Statement
    private let insertTombstone: Statement
    private let raiseLowest: Statement
    private var epochs: [EpochKey: Int64] = [:]

    private struct EpochKey: Hashable {
        let station: String
        let epoch: Epoch
    }

    private static let schema = """
        CREATE TABLE epochs (id INTEGER PRIMARY KEY, station TEXT NOT NULL, epoch BLOB NOT NULL,
            lowest INTEGER NOT NULL DEFAULT 0, UNIQUE (station, epoch));
        CREATE TABLE packets (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL,
            crc INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL,
            received INTEGER NOT NULL, kind INTEGER NOT NULL, declaration INTEGER, frame INTEGER, part INTEGER,
            layer INTEGER, last INTEGER, UNIQUE (epoch, number));
        CREATE INDEX arrivals ON packets (epoch);
        CREATE INDEX parts ON packets (epoch, declaration, frame, part) WHERE kind < 2;
        CREATE TABLE frames (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, declaration INTEGER NOT NULL,
            frame INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, changed INTEGER NOT NULL,
            UNIQUE (epoch, declaration, frame));
        CREATE INDEX changes ON frames (changed);
        CREATE TABLE declarations (epoch INTEGER NOT NULL, declaration INTEGER NOT NULL, packet INTEGER NOT NULL,
            PRIMARY KEY (epoch, declaration));
        CREATE TABLE tombstones (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, reason INTEGER NOT NULL, frames INTEGER NOT NULL, size INTEGER NOT NULL,
            stored_first INTEGER NOT NULL, stored_last INTEGER NOT NULL, received INTEGER NOT NULL,
            segment INTEGER NOT NULL, offset INTEGER NOT NULL, UNIQUE (epoch, first, last, reason));
        CREATE TABLE segments (number INTEGER PRIMARY KEY, end INTEGER NOT NULL);
        PRAGMA user_version = 2;
        """

    /// Opens or makes the index at `path`.
    static func open(_ path: String) throws(ArchiveError) -> ArchiveIndex {
        do throws(SQLiteError) {
            let database = try Database(path, access: .write, syncsEachCommit: false)
            let found = try readVersion(database)
            if found == 0 {
                try database.execute("BEGIN; \(schema) COMMIT;")
            } else if found != version {
                throw .call(operation: wrongVersion, path: path, code: Int32(clamping: found), message: "")
            }
            return try ArchiveIndex(database)
        } catch {
            if case .call(wrongVersion, _, let found, _) = error {
                throw .version(path: path, found: Int64(found), expected: version)
            }
            throw .index(error)
        }
    }

    /// Carries a version through SQLite's typed errors.
    private static let wrongVersion = "check the version"

    private init(_ database: consuming Database) throws(SQLiteError) {
        // a noncopyable value must be whole before the first assignment, so each statement waits in a local
        let selectEpoch = try database.prepare("SELECT id FROM epochs WHERE station = ? AND epoch = ?")
        let insertEpoch = try database.prepare("INSERT INTO epochs (station, epoch) VALUES (?, ?)")
        let selectPacket = try database.prepare("SELECT crc FROM packets WHERE epoch = ? AND number = ?")
        let insertPacket = try database.prepare(
            "INSERT INTO packets (epoch, number, crc, segment, offset, size, received, kind, declaration, frame,"
                + " part, layer, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        let upsertFrame = try database.prepare(
            "INSERT INTO frames (epoch, declaration, frame, first, last, changed) VALUES (?, ?, ?, ?, ?, ?)"
                + " ON CONFLICT (epoch, declaration, frame) DO UPDATE SET last = max(last, excluded.last),"
                + " first = min(first, excluded.first), changed = excluded.changed")
        let insertDeclaration = try database.prepare("INSERT OR IGNORE INTO declarations VALUES (?, ?, ?)")
        let touchFrames = try database.prepare("UPDATE frames SET changed = ? WHERE epoch = ? AND declaration = ?")
        let upsertSegment = try database.prepare(
            "INSERT INTO segments VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET end = excluded.end")
        let selectTombstone = try database.prepare(
            "SELECT 1 FROM tombstones WHERE epoch = ? AND first = ? AND last = ? AND reason = ?")
        let insertTombstone = try database.prepare(
            "INSERT OR IGNORE INTO tombstones (epoch, first, last, reason, frames, size, stored_first, stored_last,"
                + " received, segment, offset) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        let raiseLowest = try database.prepare("UPDATE epochs SET lowest = ?1 WHERE id = ?2 AND lowest < ?1")
        self.database = database
        self.selectEpoch = selectEpoch
        self.insertEpoch = insertEpoch
        self.selectPacket = selectPacket
        self.insertPacket = insertPacket
        self.upsertFrame = upsertFrame
        self.insertDeclaration = insertDeclaration
        self.touchFrames = touchFrames
        self.upsertSegment = upsertSegment
        self.selectTombstone = selectTombstone
        self.insertTombstone = insertTombstone
        self.raiseLowest = raiseLowest
    }

    static func readVersion(_ database: borrowing Database) throws(SQLiteError) -> Int64 {
        let statement = try database.prepare("PRAGMA user_version")
        _ = try statement.step()
        return statement.integer(0)
    }

    /// Where the index ends in each segment.
    func segmentEnds() throws(ArchiveError) -> [Int: Int] {
        do throws(SQLiteError) {
            var ends: [Int: Int] = [:]
            let statement = try database.prepare("SELECT number, end FROM segments")
            while try statement.step() { ends[Int(statement.integer(0))] = Int(statement.integer(1)) }
            return ends
        } catch { throw .index(error) }
    }

    /// Checksum of the packet with this identity, or nil where there is none.
    mutating func checksum(station: String, epoch: Epoch, number: UInt64) throws(ArchiveError) -> UInt32? {
        do throws(SQLiteError) {
            guard let row = try epochRow(station, epoch, inserts: false) else { return nil }
            try selectPacket.bind([.integer(row), .integer(Int64(number))])
            defer { selectPacket.reset() }
            return try selectPacket.step() ? UInt32(truncatingIfNeeded: selectPacket.integer(0)) : nil
        } catch { throw .index(error) }
    }

    /// Whether the same tombstone is known.
    mutating func contains(_ record: TombstoneRecord) throws(ArchiveError) -> Bool {
        do throws(SQLiteError) {
            guard let row = try epochRow(record.station, record.epoch, inserts: false) else { return false }
            let tombstone = record.tombstone
            try selectTombstone.bind([
                .integer(row), .integer(Int64(tombstone.numbers.lowerBound)),
                .integer(Int64(tombstone.numbers.upperBound - 1)), .integer(Int64(tombstone.reason.rawValue)),
            ])
            defer { selectTombstone.reset() }
            return try selectTombstone.step()
        } catch { throw .index(error) }
    }

    /// Remembers that a station holds nothing below `lowest` any more; nothing where the epoch has no packets yet.
    mutating func raise(station: String, epoch: Epoch, lowest: UInt64) throws(ArchiveError) {
        do throws(SQLiteError) {
            guard let row = try epochRow(station, epoch, inserts: false) else { return }
            try raiseLowest.run([.integer(Int64(lowest)), .integer(row)])
        } catch { throw .index(error) }
    }

    /// Adds records of one segment in one transaction. Identities that are known are passed over. `end` is where the segment's indexed part ends now.
    mutating func add(
        _ records: [(record: SegmentRecord, offset: Int)], segment: Int, end: Int
    ) throws(ArchiveError) {
        do throws(SQLiteError) { try database.execute("BEGIN IMMEDIATE") } catch { throw .index(error) }
        do throws(SQLiteError) {
            for (record, offset) in records {
                switch record {
                case .packet(let packet): try add(packet, segment: segment, offset: offset)
                case .tombstone(let tombstone): try add(tombstone, segment: segment, offset: offset)
                }
            }
            try upsertSegment.run([.integer(Int64(segment)), .integer(Int64(end))])
            try database.execute("COMMIT")
        } catch {
            epochs = [:]
            try? database.execute("ROLLBACK")
            throw .index(error)
        }
    }

    private mutating func add(_ record: ArchiveRecord, segment: Int, offset: Int) throws(SQLiteError) {
        guard let epoch = try epochRow(record.station, record.epoch, inserts: true) else { return }
        try selectPacket.bind([.integer(epoch), .integer(Int64(record.number))])
        let isKnown = try selectPacket.step()
        selectPacket.reset()
        if isKnown { return }
        let view = PacketView(record.packet)
        try insertPacket.run(
            [
                .integer(epoch), .integer(Int64(record.number)), .integer(Int64(record.checksum)),
                .integer(Int64(segment)), .integer(Int64(offset)), .integer(Int64(record.packet.count)),
                .integer(record.received.milliseconds), .integer(view.kind),
            ] + view.columns)
        let packet = database.lastInsertedRow
        if view.kind == PacketView.declaration, let number = view.declaration {
            try insertDeclaration.run([.integer(epoch), .integer(number), .integer(packet)])
            try touchFrames.run([.integer(packet), .integer(epoch), .integer(number)])
        } else if view.kind < PacketView.declaration, let number = view.declaration, let frame = view.frame {
            let received = record.received.milliseconds
            try upsertFrame.run(
                [
                    .integer(epoch), .integer(number), .integer(frame), .integer(received), .integer(received),
                    .integer(packet),
                ])
        }
    }

    private mutating func add(_ record: TombstoneRecord, segment: Int, offset: Int) throws(SQLiteError) {
        guard let epoch = try epochRow(record.station, record.epoch, inserts: true) else { return }
        let tombstone = record.tombstone
        try insertTombstone.run([
            .integer(epoch), .integer(Int64(tombstone.numbers.lowerBound)),
            .integer(Int64(tombstone.numbers.upperBound - 1)), .integer(Int64(tombstone.reason.rawValue)),
            .integer(Int64(tombstone.frames)), .integer(Int64(tombstone.size)),
            .integer(tombstone.first.milliseconds), .integer(tombstone.last.milliseconds),
            .integer(record.received.milliseconds), .integer(Int64(segment)), .integer(Int64(offset)),
        ])
    }

    mutating func epochRow(
        _ station: String, _ epoch: Epoch, inserts: Bool
    ) throws(SQLiteError) -> Int64? {
        let key = EpochKey(station: station, epoch: epoch)
        if let row = epochs[key] { return row }
        try selectEpoch.bind([.text(station), .blob(epoch.bytes)])
        if try selectEpoch.step() {
            let row = selectEpoch.integer(0)
            selectEpoch.reset()
            if epochs.count >= 1_024 { epochs = [:] }  // a cache, not a memory of all stations that ever were
            epochs[key] = row
            return row
        }
        guard inserts else { return nil }
        try insertEpoch.run([.text(station), .blob(epoch.bytes)])
        let row = database.lastInsertedRow
        epochs[key] = row
        return row
    }
}

/// What the index takes from a packet.
private struct PacketView {
    static let declaration: Int64 = 2
    /// Octets that this version cannot read; kept all the same.
    static let opaque: Int64 = 3
    let kind: Int64
    var declaration: Int64?
    var frame: Int64?
    var part: Int64?
    var layer: Int64?
    var isLast: Int64?

    init(_ octets: ArraySlice<UInt8>) {
        guard let packet = try? Packet(parsing: octets) else {
            kind = Self.opaque
            return
        }
        declaration = Int64(packet.declaration)
        switch packet.body {
        case .declaration: kind = Self.declaration
        case .part(let segment):
            kind = segment.part == 0 ? 0 : 1
            frame = Int64(bitPattern: segment.frameDelta)
            part = Int64(segment.part)
            layer = Int64(segment.layer)
            isLast = segment.isLastOfLayer ? 1 : 0
        }
    }

    var columns: [SQLiteValue] {
        [declaration, frame, part, layer, isLast].map { $0.map(SQLiteValue.integer) ?? .null }
    }
}
