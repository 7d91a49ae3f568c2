public import PerigeeCore
internal import PerigeeSQLite

/// A frame that cannot be decoded for want of its references, and what was asked for it.
public struct WaitingFrame: Equatable, Sendable {
    public var station: String
    public var epoch: Epoch
    public var number: UInt64
    public var reason: ArchiveWant.Reason
    public var hasAskedReference = false
    public var hasAskedPlain = false
    /// Asked for and not answered.
    public var open: [ArchiveWant.Subject] = []

    /// One for which nothing was asked.
    public init(station: String, epoch: Epoch, number: UInt64, reason: ArchiveWant.Reason) {
        self.station = station
        self.epoch = epoch
        self.number = number
        self.reason = reason
    }
}

/// What the gateway keeps of frames that wait, so that none is asked for again after a restart: `waiting.sqlite` beside the index, which has
/// one writer. Lost, it is made anew from the archive, and each frame may be asked for once more.
public struct WaitingTable: ~Copyable {
    private let database: Database
    private let upsert: Statement
    private let delete: Statement

    /// Opens or makes the file of the archive in `directory`.
    public init(_ directory: String) throws(ArchiveError) {
        do throws(SQLiteError) {
            let database = try Database("\(directory)/waiting.sqlite", access: .write, syncsEachCommit: false)
            try database.execute(
                "CREATE TABLE IF NOT EXISTS waiting (station TEXT, epoch BLOB, frame INTEGER, reason TEXT NOT NULL,"
                    + " asked INTEGER NOT NULL, open TEXT NOT NULL, PRIMARY KEY (station, epoch, frame));"
                    + " CREATE TABLE IF NOT EXISTS seen (change INTEGER NOT NULL, number INTEGER NOT NULL,"
                    + " crc INTEGER NOT NULL);"
                    + " CREATE TABLE IF NOT EXISTS replaced (station TEXT, epoch BLOB, frame INTEGER,"
                    + " PRIMARY KEY (station, epoch, frame));")
            let upsert = try database.prepare("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?)")
            let delete = try database.prepare("DELETE FROM waiting WHERE station = ? AND epoch = ? AND frame = ?")
            self.database = database
            self.upsert = upsert
            self.delete = delete
        } catch { throw .index(error) }
    }

    /// All frames that wait; rows that say something else are passed over.
    public func frames() throws(ArchiveError) -> [WaitingFrame] {
        do throws(SQLiteError) {
            let statement = try database.prepare("SELECT station, epoch, frame, reason, asked, open FROM waiting")
            var frames: [WaitingFrame] = []
            while try statement.step() {
                guard let epoch = try? Epoch(bytes: statement.blob(1)),
                    let reason = ArchiveWant.Reason(rawValue: statement.text(3) ?? "")
                else { continue }
                var frame = WaitingFrame(
                    station: statement.text(0) ?? "", epoch: epoch, number: UInt64(bitPattern: statement.integer(2)),
                    reason: reason)
                frame.hasAskedReference = statement.integer(4) & 1 != 0
                frame.hasAskedPlain = statement.integer(4) & 2 != 0
                frame.open = (statement.text(5) ?? "").split(separator: ",").compactMap(Self.subject)
                frames.append(frame)
            }
            return frames
        } catch { throw .index(error) }
    }

    /// Puts a frame in the place of what is there of it.
    public func write(_ frame: WaitingFrame) throws(ArchiveError) {
        let asked = (frame.hasAskedReference ? 1 : 0) | (frame.hasAskedPlain ? 2 : 0)
        do throws(SQLiteError) {
            try upsert.run([
                .text(frame.station), .blob(frame.epoch.bytes), .integer(Int64(bitPattern: frame.number)),
                .text(frame.reason.rawValue), .integer(Int64(asked)),
                .text(frame.open.compactMap(Self.text).joined(separator: ",")),
            ])
        } catch { throw .index(error) }
    }

    /// A frame waits no more.
    public func remove(station: String, epoch: Epoch, number: UInt64) throws(ArchiveError) {
        do throws(SQLiteError) {
            try delete.run([.text(station), .blob(epoch.bytes), .integer(Int64(bitPattern: number))])
        } catch { throw .index(error) }
    }

    /// Frames that another one stands in for, which never wait again.
    public func replaced() throws(ArchiveError) -> [(station: String, epoch: Epoch, number: UInt64)] {
        do throws(SQLiteError) {
            let statement = try database.prepare("SELECT station, epoch, frame FROM replaced")
            var frames: [(station: String, epoch: Epoch, number: UInt64)] = []
            while try statement.step() {
                guard let epoch = try? Epoch(bytes: statement.blob(1)) else { continue }
                frames.append((statement.text(0) ?? "", epoch, UInt64(bitPattern: statement.integer(2))))
            }
            return frames
        } catch { throw .index(error) }
    }

    /// Another frame stands in for this one.
    public func replace(station: String, epoch: Epoch, number: UInt64) throws(ArchiveError) {
        do throws(SQLiteError) {
            let statement = try database.prepare("INSERT OR IGNORE INTO replaced VALUES (?, ?, ?)")
            try statement.run([.text(station), .blob(epoch.bytes), .integer(Int64(bitPattern: number))])
        } catch { throw .index(error) }
    }

    /// Up to which change of the archive all was looked at; 0 where it has another index since.
    public func seen(in predictions: borrowing PredictionReader) throws(ArchiveError) -> Int64 {
        var row: (change: Int64, number: Int64, checksum: Int64)?
        do throws(SQLiteError) {
            let statement = try database.prepare("SELECT change, number, crc FROM seen")
            if try statement.step() { row = (statement.integer(0), statement.integer(1), statement.integer(2)) }
        } catch { throw .index(error) }
        guard let row, let packet = try predictions.packet(row.change), packet == (row.number, row.checksum) else {
            return 0
        }
        return row.change
    }

    /// All was looked at up to a change.
    public func see(_ change: Int64, in predictions: borrowing PredictionReader) throws(ArchiveError) {
        guard let packet = try predictions.packet(change) else { return }
        do throws(SQLiteError) {
            try database.execute(
                "BEGIN; DELETE FROM seen; INSERT INTO seen VALUES (\(change), \(packet.number), \(packet.checksum)); COMMIT"
            )
        } catch { throw .index(error) }
    }

    private static func text(_ subject: ArchiveWant.Subject) -> String? {
        switch subject {
        case .reference(let number, let layers): "\(number)/\(layers)"
        case .plain(let number): "\(number)"
        case .numbers, .frame: nil
        }
    }

    private static func subject(_ text: Substring) -> ArchiveWant.Subject? {
        let words = text.split(separator: "/")
        guard let number = words.first.flatMap({ UInt64($0) }) else { return nil }
        if words.count == 1 { return .plain(number: number) }
        return Int(words[1]).map { .reference(number: number, layers: $0) }
    }
}
