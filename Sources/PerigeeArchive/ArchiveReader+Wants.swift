public import PerigeeCore
internal import PerigeeSQLite

extension ArchiveReader {
    /// How much of a want is here.
    public struct Presence: Equatable, Sendable {
        /// Packets of the wanted numbers, or parts of the wanted frame, however often they came.
        public var count = 0
        /// All numbers, or all layers.
        public var isComplete = false

        /// See the properties.
        public init(count: Int = 0, isComplete: Bool = false) {
            self.count = count
            self.isComplete = isComplete
        }
    }

    /// Epochs of a station, the one whose packet came last first.
    public func epochs(station: String) throws(ArchiveError) -> [Epoch] {
        do throws(SQLiteError) {
            let statement = try database.prepare(
                "SELECT epoch FROM epochs e WHERE station = ?"
                    + " ORDER BY (SELECT max(id) FROM packets p WHERE p.epoch = e.id) DESC")
            try statement.bind([.text(station)])
            var epochs: [Epoch] = []
            while try statement.step() {
                if let epoch = try? Epoch(bytes: statement.blob(0)) { epochs.append(epoch) }
            }
            return epochs
        } catch { throw .index(error) }
    }

    /// A frame by its number in the epoch; nil where no packet of it came, or its declaration did not. Reads the declarations of the epoch.
    public func frame(station: String, epoch: Epoch, number: UInt64) throws(ArchiveError) -> ArchivedFrame? {
        for candidate in try candidates(station, epoch) {
            var frame = candidate
            guard let base = try declaration(of: frame)?.baseFrame, base <= number else { continue }
            frame.frameDelta = number - base
            do throws(SQLiteError) {
                guard try isKnown(frame) else { continue }
                return frame
            } catch { throw .index(error) }
        }
        return nil
    }

    /// How much of a want is here; `frame` is what `frame(station:epoch:number:)` says of a frame whose layers are wanted.
    public func presence(of want: ArchiveWant, frame: ArchivedFrame?) throws(ArchiveError) -> Presence {
        do throws(SQLiteError) {
            switch want.subject {
            case .numbers(let ranges):
                var presence = Presence()
                var wanted = 0
                for range in ranges {
                    wanted += Int(range.upperBound - range.lowerBound)
                    presence.count += try count(want, range)
                }
                presence.isComplete = presence.count == wanted
                return presence
            case .frame(_, let layers), .reference(_, let layers):
                guard let frame else { return Presence() }
                return Presence(count: try partCount(frame), isComplete: try completeLayers(of: frame) >= layers)
            case .plain: return Presence()  // the frame that comes says itself what it replaces
            }
        } catch { throw .index(error) }
    }

    private func count(_ want: ArchiveWant, _ range: Range<UInt64>) throws(SQLiteError) -> Int {
        let statement = try database.prepare(
            "SELECT count(*) FROM packets WHERE epoch = (SELECT id FROM epochs WHERE station = ? AND epoch = ?)"
                + " AND number >= ? AND number < ?")
        try statement.bind([
            .text(want.station), .blob(want.epoch.bytes), .integer(Int64(range.lowerBound)),
            .integer(Int64(range.upperBound)),
        ])
        return try statement.step() ? Int(statement.integer(0)) : 0
    }

    private func partCount(_ frame: ArchivedFrame) throws(SQLiteError) -> Int {
        let statement = try database.prepare(
            "SELECT count(*) FROM packets WHERE epoch = ? AND declaration = ? AND frame = ? AND kind < 2")
        try bind(statement, frame)
        return try statement.step() ? Int(statement.integer(0)) : 0
    }

    private func isKnown(_ frame: ArchivedFrame) throws(SQLiteError) -> Bool {
        let statement = try database.prepare("SELECT 1 FROM frames WHERE epoch = ? AND declaration = ? AND frame = ?")
        try bind(statement, frame)
        return try statement.step()
    }

    private func bind(_ statement: borrowing Statement, _ frame: ArchivedFrame) throws(SQLiteError) {
        try statement.bind([
            .integer(frame.epochRow), .integer(Int64(frame.declaration)), .integer(Int64(bitPattern: frame.frameDelta)),
        ])
    }

    /// A frame without its number for each declaration of an epoch, the newest first.
    private func candidates(_ station: String, _ epoch: Epoch) throws(ArchiveError) -> [ArchivedFrame] {
        do throws(SQLiteError) {
            let statement = try database.prepare(
                "SELECT d.epoch, d.declaration FROM declarations d JOIN epochs e ON e.id = d.epoch"
                    + " WHERE e.station = ? AND e.epoch = ? ORDER BY d.packet DESC")
            try statement.bind([.text(station), .blob(epoch.bytes)])
            var frames: [ArchivedFrame] = []
            while try statement.step() {
                frames.append(
                    ArchivedFrame(
                        station, epoch, declaration: Int(statement.integer(1)), epochRow: statement.integer(0)))
            }
            return frames
        } catch { throw .index(error) }
    }
}
