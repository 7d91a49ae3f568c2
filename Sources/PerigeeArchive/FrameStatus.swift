internal import Glibc
public import PerigeeCore
internal import PerigeeSQLite

/// What the renderer found about frames, in a file of its own so that the index has one writer. One process writes it.
public struct FrameStatus: ~Copyable {
    struct Key: Hashable {
        let station: String
        let epoch: Epoch
        let declaration: Int
        let frameDelta: UInt64

        init(_ frame: ArchivedFrame) {
            station = frame.station
            epoch = frame.epoch
            declaration = frame.declaration
            frameDelta = frame.frameDelta
        }

        fileprivate init?(_ row: borrowing Statement) {
            guard let station = row.text(0), let epoch = try? Epoch(bytes: row.blob(1)) else { return nil }
            self.station = station
            self.epoch = epoch
            declaration = Int(row.integer(2))
            frameDelta = UInt64(bitPattern: row.integer(3))
        }
    }

    private let database: Database

    /// Opens or makes the file of the archive in `directory`.
    public init(_ directory: String) throws(ArchiveError) {
        database = try Self.open(Self.path(directory))
    }

    private static func open(_ path: String) throws(ArchiveError) -> Database {
        do throws(SQLiteError) {
            let database = try Database(path, access: .write, syncsEachCommit: false)
            try database.execute(
                "CREATE TABLE IF NOT EXISTS undecodable (station TEXT, epoch BLOB, declaration INTEGER, frame INTEGER,"
                    + " reason TEXT NOT NULL, PRIMARY KEY (station, epoch, declaration, frame));"
                    + " CREATE TABLE IF NOT EXISTS wanted (station TEXT, epoch BLOB, number INTEGER,"
                    + " PRIMARY KEY (station, epoch, number))")
            return database
        } catch { throw .index(error) }
    }

    /// Says why a frame could not be decoded, such as `firmware 1a2b3c4d is not here`; nil takes it back.
    public func setUndecodable(_ reason: String?, frame: ArchivedFrame) throws(ArchiveError) {
        let key: [SQLiteValue] = [
            .text(frame.station), .blob(frame.epoch.bytes), .integer(Int64(frame.declaration)),
            .integer(Int64(bitPattern: frame.frameDelta)),
        ]
        do throws(SQLiteError) {
            if let reason {
                let statement = try database.prepare("INSERT OR REPLACE INTO undecodable VALUES (?, ?, ?, ?, ?)")
                try statement.run(key + [.text(reason)])
            } else {
                let statement = try database.prepare(
                    "DELETE FROM undecodable WHERE station = ? AND epoch = ? AND declaration = ? AND frame = ?")
                try statement.run(key)
            }
        } catch { throw .index(error) }
    }

    /// Whether a frame, by its number, was wanted without references.
    public func hasWanted(station: String, epoch: Epoch, number: UInt64) throws(ArchiveError) -> Bool {
        do throws(SQLiteError) {
            let statement = try database.prepare(
                "SELECT 1 FROM wanted WHERE station = ? AND epoch = ? AND number = ?")
            try statement.bind([.text(station), .blob(epoch.bytes), .integer(Int64(bitPattern: number))])
            return try statement.step()
        } catch { throw .index(error) }
    }

    /// It is wanted, and never will be again.
    public func setWanted(station: String, epoch: Epoch, number: UInt64) throws(ArchiveError) {
        do throws(SQLiteError) {
            let statement = try database.prepare("INSERT OR IGNORE INTO wanted VALUES (?, ?, ?)")
            try statement.run([.text(station), .blob(epoch.bytes), .integer(Int64(bitPattern: number))])
        } catch { throw .index(error) }
    }

    /// All reasons; none where the file was never made.
    static func all(_ directory: String) throws(ArchiveError) -> [Key: String] {
        guard access(path(directory), F_OK) == 0 else { return [:] }
        do throws(SQLiteError) {
            let database = try Database(path(directory), access: .readOnly)
            let statement = try database.prepare("SELECT station, epoch, declaration, frame, reason FROM undecodable")
            var reasons: [Key: String] = [:]
            while try statement.step() {
                if let key = Key(statement) { reasons[key] = statement.text(4) }
            }
            return reasons
        } catch { throw .index(error) }
    }

    private static func path(_ directory: String) -> String { "\(directory)/status.sqlite" }
}
