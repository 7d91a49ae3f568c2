internal import Glibc
public import PerigeeCore
internal import PerigeeSQLite

/// Reads an archive that another process may be writing to. Calls block; it belongs to one thread at a time.
///
/// To follow: ask for frames with `changedAfter` the greatest `changed` seen so far, and ask again later.
public struct ArchiveReader: ~Copyable {
    public let directory: String
    let database: Database
    private let selectParts: Statement
    private let selectDeclaration: Statement

    /// Opens the archive's index for reading.
    public static func open(_ directory: String) throws(ArchiveError) -> ArchiveReader {
        let path = "\(directory)/index.sqlite"
        guard access(path, F_OK) == 0 || errno != ENOENT else { throw .noIndex(path: path) }
        do throws(SQLiteError) {
            let database = try Database(path, access: .readOnly)
            let version = try ArchiveIndex.readVersion(database)
            if version == ArchiveIndex.version { return try ArchiveReader(directory, database) }
            throw .call(
                operation: "check the version", path: path, code: 26,
                message: "version \(version), expected \(ArchiveIndex.version)")
        } catch { throw .index(error) }
    }

    private init(_ directory: String, _ database: consuming Database) throws(SQLiteError) {
        let selectParts = try database.prepare(
            "SELECT segment, offset, size, part, layer, last, crc FROM packets WHERE epoch = ? AND declaration = ?"
                + " AND frame = ? AND kind < 2 ORDER BY part, id")
        let selectDeclaration = try database.prepare(
            "SELECT p.segment, p.offset, p.size FROM declarations d JOIN packets p ON p.id = d.packet"
                + " WHERE d.epoch = ? AND d.declaration = ?")
        self.directory = directory
        self.database = database
        self.selectParts = selectParts
        self.selectDeclaration = selectDeclaration
    }

    /// The change feed's newest number: 0 for an empty archive.
    public func lastChange() throws(ArchiveError) -> Int64 {
        do throws(SQLiteError) {
            let statement = try database.prepare("SELECT max(id) FROM packets")
            return try statement.step() ? statement.integer(0) : 0
        } catch { throw .index(error) }
    }

    /// Frames by `changed`, ascending.
    public func frames(_ filter: FrameFilter = FrameFilter()) throws(ArchiveError) -> [ArchivedFrame] {
        let reasons = try FrameStatus.all(directory)
        do throws(SQLiteError) {
            let statement = try database.prepare(
                "SELECT e.station, e.epoch, f.declaration, f.frame, f.first, f.last, f.changed, f.epoch,"
                    + " EXISTS (SELECT 1 FROM declarations d WHERE d.epoch = f.epoch AND d.declaration = f.declaration)"
                    + " FROM frames f JOIN epochs e ON e.id = f.epoch WHERE f.changed > ?1 AND (?2 IS NULL OR"
                    + " e.station = ?2) AND (?3 IS NULL OR f.last >= ?3) ORDER BY f.changed, f.id LIMIT ?4")
            try statement.bind([
                .integer(filter.changedAfter), filter.station.map(SQLiteValue.text) ?? .null,
                (filter.since?.milliseconds).map(SQLiteValue.integer) ?? .null, .integer(Int64(filter.limit)),
            ])
            var frames: [ArchivedFrame] = []
            while try statement.step() {
                guard let epoch = try? Epoch(bytes: statement.blob(1)) else { continue }
                var frame = ArchivedFrame(
                    station: statement.text(0) ?? "", epoch: epoch, declaration: Int(statement.integer(2)),
                    frameDelta: UInt64(bitPattern: statement.integer(3)),
                    first: Timestamp(milliseconds: statement.integer(4)),
                    last: Timestamp(milliseconds: statement.integer(5)), changed: statement.integer(6), partCount: 0,
                    size: 0, completeLayers: 0, hasDeclaration: statement.integer(8) != 0,
                    epochRow: statement.integer(7))
                let rows = try parts(frame)
                frame.partCount = rows.count
                frame.size = rows.reduce(0) { $0 + $1.size }
                frame.completeLayers = Self.completeLayers(rows)
                frame.undecodable = reasons[FrameStatus.Key(frame)]
                frames.append(frame)
            }
            return frames
        } catch { throw .index(error) }
    }

    /// The declaration that a frame refers to; nil where it has not come.
    public func declaration(of frame: ArchivedFrame) throws(ArchiveError) -> StreamDeclaration? {
        var row: PartRow?
        do throws(SQLiteError) {
            try selectDeclaration.bind([.integer(frame.epochRow), .integer(Int64(frame.declaration))])
            if try selectDeclaration.step() {
                row = PartRow(
                    segment: Int(selectDeclaration.integer(0)), offset: Int(selectDeclaration.integer(1)),
                    size: Int(selectDeclaration.integer(2)))
                selectDeclaration.reset()
            }
        } catch { throw .index(error) }
        guard let row, case .declaration(let stream) = try packet(row).body else { return nil }
        return stream
    }

    /// What a decoder needs of a frame; nil where its declaration has not come. Reads whole packets up to `sizeLimit` octets in all.
    public func content(
        of frame: ArchivedFrame, sizeLimit: Int = 512 << 20
    ) throws(ArchiveError) -> FrameContent? {
        guard let declaration = try declaration(of: frame) else { return nil }
        let rows: [PartRow]
        do throws(SQLiteError) { rows = try parts(frame) } catch { throw .index(error) }
        var content = FrameContent(declaration: declaration, metadata: nil, layers: [], completeLayers: 0)
        var size = 0
        var used = 0
        for (index, row) in rows.enumerated() {
            size += row.size
            guard row.part == index, size <= sizeLimit else { break }
            guard case .part(let part) = try packet(row).body else { break }
            let pieces: (metadata: FrameMetadata?, payload: ArraySlice<UInt8>)
            do throws(FormatError) { pieces = try part.split(declaration: declaration) } catch {
                throw .format(path: Segment.path(directory, row.segment), error: error)
            }
            if let metadata = pieces.metadata { content.metadata = metadata }
            while content.layers.count <= part.layer { content.layers.append([]) }
            content.layers[part.layer] += pieces.payload
            used += 1
        }
        content.completeLayers = Self.completeLayers(Array(rows.prefix(used)))
        return content
    }

    /// How many layers of a frame are whole, from the first on.
    func completeLayers(of frame: ArchivedFrame) throws(SQLiteError) -> Int { Self.completeLayers(try parts(frame)) }

    /// One row of `packets`.
    struct PartRow {
        var segment: Int
        var offset: Int
        var size: Int
        var part = 0
        var layer = 0
        var isLast = false
    }

    func parts(_ frame: ArchivedFrame) throws(SQLiteError) -> [PartRow] {
        try selectParts.bind([
            .integer(frame.epochRow), .integer(Int64(frame.declaration)),
            .integer(Int64(bitPattern: frame.frameDelta)),
        ])
        var rows: [PartRow] = []
        while try selectParts.step() {
            let row = PartRow(
                segment: Int(selectParts.integer(0)), offset: Int(selectParts.integer(1)),
                size: Int(selectParts.integer(2)), part: Int(selectParts.integer(3)),
                layer: Int(selectParts.integer(4)), isLast: selectParts.integer(5) != 0)
            // a station may say a part again under a new number: the first one counts
            if rows.last?.part != row.part { rows.append(row) }
        }
        return rows
    }

    static func completeLayers(_ rows: [PartRow]) -> Int {
        var complete = 0
        for (index, row) in rows.enumerated() {
            guard row.part == index else { break }
            if row.isLast { complete = row.layer + 1 }
        }
        return complete
    }

    func packet(_ row: PartRow) throws(ArchiveError) -> Packet {
        let path = Segment.path(directory, row.segment)
        var file = try SystemFile(path, flags: O_RDONLY)
        let bytes = try file.read(from: row.offset, count: SegmentRecord.sizeRange.upperBound + 4)
        do throws(FormatError) {
            guard case .packet(let record) = try SegmentRecord.parse(bytes[...]).record else {
                throw .unknown(field: "record kind", value: "a tombstone", expected: "a packet: reindex the archive")
            }
            return try Packet(parsing: record.packet)
        } catch { throw .format(path: path, error: error) }
    }
}
