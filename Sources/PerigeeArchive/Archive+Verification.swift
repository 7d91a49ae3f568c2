internal import Glibc
internal import PerigeeSQLite

/// What a walk through all segments found, beside what the index says. Nothing is changed.
public struct ArchiveVerification: Equatable, Sendable {
    public var segments = 0
    /// Whole records of packets and of tombstones, and the octets of both.
    public var records = 0
    public var tombstones = 0
    public var size = 0
    /// Octets of damage between records, and behind the last record of a segment. A gateway at work may be writing a tail.
    public var damagedSize = 0
    public var tailSize = 0
    /// Packets and tombstones that the index knows.
    public var indexed = 0
    public var indexedTombstones = 0

    /// Nothing is damaged, and the index knows as many packets and tombstones as there are.
    public var isSound: Bool {
        damagedSize == 0 && tailSize == 0 && indexed == records && indexedTombstones == tombstones
    }
}

extension Archive {
    /// Reads every record of the archive in `directory` and checks its checksum; changes nothing and needs no lock. Takes memory
    /// for one segment.
    public static func verify(_ directory: String) throws(ArchiveError) -> ArchiveVerification {
        var found = ArchiveVerification()
        // The index first: what a gateway adds meanwhile is then missing there, never here.
        do throws(SQLiteError) {
            let database = try Database("\(directory)/index.sqlite", access: .readOnly)
            let statement = try database.prepare(
                "SELECT (SELECT count(*) FROM packets), (SELECT count(*) FROM tombstones)")
            if try statement.step() {
                found.indexed = Int(statement.integer(0))
                found.indexedTombstones = Int(statement.integer(1))
            }
        } catch { throw .index(error) }
        for number in try Segment.numbers(directory) {
            let path = Segment.path(directory, number)
            var file = try SystemFile(path, flags: O_RDONLY)
            let size = try file.size()
            let bytes = try file.read(from: 0, count: size)
            let octets = Array(bytes.dropFirst(Segment.headerSize))
            let isSound = try Segment.hasSoundHeader(bytes[...], number, records: octets[...], path: path)
            if !isSound { found.damagedSize += min(size, Segment.headerSize) }
            var scan = SegmentScan(octets, base: Segment.headerSize)
            while let next = scan.next() {
                switch next.record {
                case .packet: found.records += 1
                case .tombstone: found.tombstones += 1
                }
                found.size += next.size
            }
            found.damagedSize += scan.damagedSize
            found.tailSize += scan.tailSize
            found.segments += 1
        }
        return found
    }
}
