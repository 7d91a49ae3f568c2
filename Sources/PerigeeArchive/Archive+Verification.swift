internal import Glibc
internal import PerigeeSQLite

/// What a walk through all segments found, beside what the index says. Nothing is changed.
public struct ArchiveVerification: Equatable, Sendable {
    public var segments = 0
    /// Whole records, and their octets.
    public var records = 0
    public var size = 0
    /// Octets of damage between records, and behind the last record of a segment. A gateway at work may be writing a tail.
    public var damagedSize = 0
    public var tailSize = 0
    /// Packets that the index knows.
    public var indexed = 0

    /// Nothing is damaged, and the index knows as many packets as there are.
    public var isSound: Bool { damagedSize == 0 && tailSize == 0 && indexed == records }
}

extension Archive {
    /// Reads every record of the archive in `directory` and checks its checksum; changes nothing and needs no lock. Takes memory
    /// for one segment.
    public static func verify(_ directory: String) throws(ArchiveError) -> ArchiveVerification {
        var found = ArchiveVerification()
        // The index first: what a gateway adds meanwhile is then missing there, never here.
        do throws(SQLiteError) {
            let database = try Database("\(directory)/index.sqlite", access: .readOnly)
            let statement = try database.prepare("SELECT count(*) FROM packets")
            if try statement.step() { found.indexed = Int(statement.integer(0)) }
        } catch { throw .index(error) }
        for number in try Segment.numbers(directory) {
            let path = Segment.path(directory, number)
            var file = try SystemFile(path, flags: O_RDONLY)
            let size = try file.size()
            let bytes = try file.read(from: 0, count: size)
            try Segment.checkHeader(bytes[...], number, path: path)
            var scan = SegmentScan(Array(bytes.dropFirst(Segment.headerSize)), base: Segment.headerSize)
            while let record = scan.next() {
                found.records += 1
                found.size += record.size
            }
            found.damagedSize += scan.damagedSize
            found.tailSize += scan.tailSize
            found.segments += 1
        }
        return found
    }
}
