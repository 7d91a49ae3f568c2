/// Tables of the file. Source: Docs/memory.md, "The file".
enum MemorySchema {
    /// Small pages: an entry wastes half of one on average.
    static let pageSize = 1_024
    /// "PGMM".
    static let application: Int64 = 0x5047_4D4D
    static let version: Int64 = 1

    static let settings = """
        PRAGMA page_size=\(pageSize); PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
        PRAGMA journal_size_limit=4194304; PRAGMA wal_autocheckpoint=2000; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;
        PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA secure_delete=OFF; PRAGMA cache_size=-8192; PRAGMA busy_timeout=0;
        """

    /// `entries.id` is the number of the frame; `boxes` finds it by plane and rectangle, both ends included.
    static let tables = """
        CREATE TABLE about (
            id INTEGER PRIMARY KEY, epoch BLOB NOT NULL, entries INTEGER NOT NULL, places INTEGER NOT NULL,
            clock INTEGER NOT NULL);
        CREATE TABLE planes (id INTEGER PRIMARY KEY, uses INTEGER NOT NULL, key BLOB NOT NULL UNIQUE);
        CREATE TABLE declarations (
            id INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, uses INTEGER NOT NULL, octets BLOB NOT NULL);
        CREATE INDEX declarations_by_checksum ON declarations (checksum);
        CREATE TABLE entries (
            id INTEGER PRIMARY KEY, place INTEGER NOT NULL, plane INTEGER NOT NULL, declaration INTEGER NOT NULL,
            time INTEGER, acknowledged INTEGER NOT NULL, layers INTEGER NOT NULL, depth INTEGER NOT NULL, ratio INTEGER NOT NULL,
            distortion INTEGER, clear INTEGER NOT NULL, worth INTEGER NOT NULL, checksum INTEGER NOT NULL,
            body BLOB NOT NULL);
        CREATE INDEX entries_by_place ON entries (place);
        CREATE INDEX entries_by_worth ON entries (worth);
        CREATE TABLE links (
            reference INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (reference, entry)) WITHOUT ROWID;
        CREATE VIRTUAL TABLE boxes USING rtree_i32 (id, left, right, top, bottom, plane, plane_end);
        """
}
