internal import PerigeeSQLite

/// Tables of the file. Source: Docs/spool.md, "Tables".
enum Schema {
    static let pageSize = 4_096
    /// "PGSP".
    static let application: Int64 = 0x5047_5350
    static let version: Int64 = 1

    /// Order matters: what stands before the first table decides the form of the file.
    static let form = "PRAGMA page_size=\(pageSize); PRAGMA auto_vacuum=INCREMENTAL;"

    /// Settings of the connection, each read back.
    static func settings(pageLimit: Int) -> [(name: String, value: String, expected: String)] {
        [
            ("locking_mode", "EXCLUSIVE", "exclusive"), ("journal_mode", "WAL", "wal"), ("synchronous", "FULL", "2"),
            ("wal_autocheckpoint", "0", "0"), ("journal_size_limit", "16777216", "16777216"),
            ("secure_delete", "OFF", "0"), ("mmap_size", "0", "0"), ("temp_store", "MEMORY", "2"),
            ("cell_size_check", "ON", "1"), ("trusted_schema", "OFF", "0"), ("cache_size", "-4096", "-4096"),
            ("busy_timeout", "0", "0"), ("max_page_count", String(pageLimit), String(pageLimit)),
            ("page_size", String(pageSize), String(pageSize)),
        ]
    }

    /// Tables and indices that have a text.
    static let objects = 15

    static let tables = """
        CREATE TABLE epochs (
            id INTEGER PRIMARY KEY, epoch BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, next INTEGER NOT NULL,
            next_frame INTEGER NOT NULL, target INTEGER NOT NULL, checksum INTEGER NOT NULL);
        CREATE TABLE totals (
            epoch INTEGER NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL,
            PRIMARY KEY (epoch, slot)) WITHOUT ROWID;
        CREATE TABLE packets (
            id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, layer INTEGER NOT NULL, frame INTEGER,
            checksum INTEGER NOT NULL, packet BLOB NOT NULL);
        CREATE INDEX packets_by_slot ON packets (slot);
        CREATE TABLE frames (
            id INTEGER PRIMARY KEY, settled INTEGER NOT NULL, waiting INTEGER NOT NULL, first INTEGER NOT NULL,
            count INTEGER NOT NULL, label TEXT NOT NULL, priority INTEGER NOT NULL, raw_size INTEGER NOT NULL,
            packet_size INTEGER NOT NULL, stored INTEGER NOT NULL, age INTEGER NOT NULL, rejected INTEGER NOT NULL,
            dropped INTEGER NOT NULL, thinned INTEGER NOT NULL, checksum INTEGER NOT NULL);
        CREATE INDEX frames_by_settled ON frames (settled);
        CREATE TABLE tombstones (
            id INTEGER PRIMARY KEY, next INTEGER NOT NULL, reason INTEGER NOT NULL, frames INTEGER NOT NULL,
            size INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
        CREATE TABLE declarations (
            epoch INTEGER NOT NULL, number INTEGER NOT NULL, packet BLOB NOT NULL, PRIMARY KEY (epoch, number));
        CREATE TABLE finer (
            id INTEGER PRIMARY KEY, frame INTEGER NOT NULL, layer INTEGER NOT NULL, checksum INTEGER NOT NULL,
            packet BLOB NOT NULL);
        CREATE INDEX finer_by_frame ON finer (frame);
        CREATE TABLE raw (
            id INTEGER PRIMARY KEY, layers INTEGER NOT NULL, checksum INTEGER NOT NULL, octets BLOB NOT NULL);
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY, epoch BLOB NOT NULL, number INTEGER NOT NULL, label TEXT, reason TEXT NOT NULL,
            stored INTEGER NOT NULL, packet BLOB NOT NULL);
        CREATE TABLE ledger (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE sources (
            sensor TEXT NOT NULL, run TEXT NOT NULL, newest INTEGER NOT NULL, window BLOB NOT NULL, age INTEGER NOT NULL,
            PRIMARY KEY (sensor, run));
        CREATE INDEX sources_by_age ON sources (age);
        """
}

/// Keys of packets, frames and tombstones: the epoch's row above 48 bits of number, so that one tree holds them in order.
enum RowKey {
    static let bits: Int64 = 48
    /// Numbers stay below it.
    static let limit: UInt64 = 1 << 48
    /// Rows of epochs stay below it.
    static let epochLimit: Int64 = 1 << 15

    static func base(_ epoch: Int64) -> Int64 { epoch << bits }

    static func key(_ epoch: Int64, _ number: UInt64) -> Int64 { epoch << bits | Int64(min(number, limit - 1)) }

    static func number(_ key: Int64) -> UInt64 { UInt64(key & (1 << bits - 1)) }

    static func epoch(_ key: Int64) -> Int64 { key >> bits }
}

/// What a packet's row is: waiting by class and fineness, or sent. From 2 on, since SQLite keeps 0 and 1 in no octets and a change in
/// place must not change the size of the row; and no flipped bit makes one that waits a sent one.
enum Slot {
    static let sent = 112
    static let first = 8
    static let waiting = 8..<16
    /// Of `totals` only: frames that wait, finer layers and raw frames.
    static let frames = 200
    static let finer = 201
    static let raw = 202

    static func waiting(priority: Int, isFiner: Bool) -> Int { first + 2 * priority + (isFiner ? 1 : 0) }

    static func priority(_ slot: Int) -> Int { (slot - first) / 2 }

    static func isFiner(_ slot: Int) -> Bool { (slot - first) % 2 == 1 }

    /// Slots in the order in which they are given up, alike ones together; class 0 never is. A finer layer counts one class lower.
    static func droppable(from priority: Int) -> [[Int]] {
        let lowest = max(priority, 1)
        return (lowest...4).reversed().map { rank in
            [waiting(priority: rank - 1, isFiner: true), waiting(priority: rank, isFiner: false)]
                .filter { waiting.contains($0) && Self.priority($0) > 0 && Self.priority($0) <= 3 }
        }
    }
}
