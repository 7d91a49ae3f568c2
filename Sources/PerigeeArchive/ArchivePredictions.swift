public import PerigeeCore
internal import PerigeeSQLite

/// What part 0 of a frame says of other frames, and how much of the frame is here.
public struct FramePrediction: Equatable, Sendable {
    public var station: String
    public var epoch: Epoch
    public var number: UInt64
    /// Of the frame in the archive's feed of changes.
    public var changed: Int64
    /// Layers that are whole, counted from layer 0 without a gap; one without octets counts with the next, the last ones with part 0.
    public var layers: Int
    /// What it was predicted from; nil of a plain frame.
    public var references: FrameMetadata.References?
    /// The frame that it stands in for.
    public var replaces: FrameMetadata.Replaced?

    /// See the properties; `changed` matters to who follows the feed.
    public init(station: String, epoch: Epoch, number: UInt64, metadata: FrameMetadata, layers: Int, changed: Int64 = 0)
    {
        self.station = station
        self.epoch = epoch
        self.number = number
        self.layers = layers
        self.changed = changed
        references = metadata.references
        replaces = metadata.replaces
    }
}

/// Reads the predictions of an archive: part 0 of each frame, and the declarations, which are kept in mind. One thread at a time.
public struct PredictionReader: ~Copyable {
    private struct DeclarationKey: Hashable {
        let epochRow: Int64
        let declaration: Int
    }

    private let reader: ArchiveReader
    private let selectChanged: Statement
    private let selectDeclarations: Statement
    private let selectFrame: Statement
    private let selectEpoch: Statement
    private let selectPacket: Statement
    private var declarations: [DeclarationKey: StreamDeclaration] = [:]
    private static let declarationLimit = 4_096

    /// Reads the archive in `directory`.
    public init(_ directory: String) throws(ArchiveError) {
        let reader = try ArchiveReader.open(directory)
        do throws(SQLiteError) {
            let frame =
                "SELECT e.station, e.epoch, f.declaration, f.frame, f.changed, f.epoch FROM frames f"
                + " JOIN epochs e ON e.id = f.epoch"
            let selectChanged = try reader.database.prepare(
                frame + " WHERE f.changed > ? ORDER BY f.changed, f.id LIMIT ?")
            let selectFrame = try reader.database.prepare(
                frame + " WHERE f.epoch = ? AND f.declaration = ? AND f.frame = ?")
            let selectDeclarations = try reader.database.prepare(
                "SELECT declaration FROM declarations WHERE epoch = ? ORDER BY packet DESC")
            let selectEpoch = try reader.database.prepare("SELECT id FROM epochs WHERE station = ? AND epoch = ?")
            let selectPacket = try reader.database.prepare("SELECT number, crc FROM packets WHERE id = ?")
            self.reader = reader
            self.selectChanged = selectChanged
            self.selectFrame = selectFrame
            self.selectDeclarations = selectDeclarations
            self.selectEpoch = selectEpoch
            self.selectPacket = selectPacket
        } catch { throw .index(error) }
    }

    /// Frames with `changed` above this, ascending, at most `limit`, and where the next call goes on. Those whose part 0 or declaration is
    /// not here, or does not parse, are left out: they come again with what is missing.
    public mutating func changed(
        after cursor: Int64, limit: Int
    ) throws(ArchiveError) -> (frames: [FramePrediction], cursor: Int64) {
        var rows: [ArchivedFrame] = []
        do throws(SQLiteError) {
            try selectChanged.bind([.integer(cursor), .integer(Int64(limit))])
            while try selectChanged.step() { if let row = ArchivedFrame(selectChanged) { rows.append(row) } }
        } catch { throw .index(error) }
        var frames: [FramePrediction] = []
        for row in rows { if let frame = try prediction(row) { frames.append(frame) } }
        return (frames, rows.last?.changed ?? cursor)
    }

    /// A frame by its number; nil where its part 0 is not here, or cannot be read.
    public mutating func frame(
        station: String, epoch: Epoch, number: UInt64
    ) throws(ArchiveError) -> FramePrediction? {
        var rows: [Int64] = []
        var epochRow: Int64?
        do throws(SQLiteError) {
            try selectEpoch.bind([.text(station), .blob(epoch.bytes)])
            if try selectEpoch.step() { epochRow = selectEpoch.integer(0) }
            selectEpoch.reset()
            guard let epochRow else { return nil }
            try selectDeclarations.bind([.integer(epochRow)])
            while try selectDeclarations.step() { rows.append(selectDeclarations.integer(0)) }
        } catch { throw .index(error) }
        guard let epochRow else { return nil }
        for declaration in rows {
            let any = ArchivedFrame(station, epoch, declaration: Int(declaration), epochRow: epochRow)
            guard let base = try self.declaration(of: any)?.baseFrame, base <= number else { continue }
            var found: ArchivedFrame?
            do throws(SQLiteError) {
                try selectFrame.bind([
                    .integer(epochRow), .integer(declaration), .integer(Int64(bitPattern: number - base)),
                ])
                if try selectFrame.step() { found = ArchivedFrame(selectFrame) }
                selectFrame.reset()
            } catch { throw .index(error) }
            if let found { return try prediction(found) }
        }
        return nil
    }

    /// Number and checksum of the packet that a change is of: what tells an index from one that was made anew.
    public func packet(_ change: Int64) throws(ArchiveError) -> (number: Int64, checksum: Int64)? {
        do throws(SQLiteError) {
            try selectPacket.bind([.integer(change)])
            defer { selectPacket.reset() }
            return try selectPacket.step() ? (selectPacket.integer(0), selectPacket.integer(1)) : nil
        } catch { throw .index(error) }
    }

    private mutating func prediction(_ row: ArchivedFrame) throws(ArchiveError) -> FramePrediction? {
        guard let declaration = try declaration(of: row), let head = try reader.head(of: row, declaration) else {
            return nil
        }
        return FramePrediction(
            station: row.station, epoch: row.epoch, number: declaration.baseFrame &+ row.frameDelta,
            metadata: head.metadata, layers: head.layers, changed: row.changed)
    }

    private mutating func declaration(of row: ArchivedFrame) throws(ArchiveError) -> StreamDeclaration? {
        let key = DeclarationKey(epochRow: row.epochRow, declaration: row.declaration)
        if let known = declarations[key] { return known }
        let found: StreamDeclaration?
        do throws(ArchiveError) { found = try reader.declaration(of: row) } catch {
            guard case .format = error else { throw error }
            return nil  // damaged: as if it had not come
        }
        if declarations.count >= Self.declarationLimit { declarations = [:] }
        if let found { declarations[key] = found }
        return found
    }
}

extension ArchivedFrame {
    fileprivate init?(_ row: borrowing Statement) {
        guard let epoch = try? Epoch(bytes: row.blob(1)) else { return nil }
        self.init(row.text(0) ?? "", epoch, declaration: Int(row.integer(2)), epochRow: row.integer(5))
        frameDelta = UInt64(bitPattern: row.integer(3))
        changed = row.integer(4)
    }

    /// A frame of which only its stream is known.
    init(_ station: String, _ epoch: Epoch, declaration: Int, epochRow: Int64) {
        let never = Timestamp(milliseconds: 0)
        self.init(
            station: station, epoch: epoch, declaration: declaration, frameDelta: 0, first: never, last: never,
            changed: 0, partCount: 0, size: 0, completeLayers: 0, hasDeclaration: true, epochRow: epochRow)
    }
}

extension ArchiveReader {
    /// Metadata of a frame and how many of its layers are whole; nil where part 0 is not here, or is damaged.
    func head(
        of frame: ArchivedFrame, _ declaration: StreamDeclaration
    ) throws(ArchiveError) -> (metadata: FrameMetadata, layers: Int)? {
        let rows: [PartRow]
        do throws(SQLiteError) { rows = try parts(frame) } catch { throw .index(error) }
        guard let first = rows.first, first.part == 0 else { return nil }
        do throws(ArchiveError) {
            guard case .part(let part) = try packet(first).body else { return nil }
            do throws(FormatError) {
                guard let metadata = try part.split(declaration: declaration).metadata else { return nil }
                return (metadata, Self.completeLayers(rows))
            } catch { return nil }
        } catch {
            guard case .format = error else { throw error }
            return nil
        }
    }
}
