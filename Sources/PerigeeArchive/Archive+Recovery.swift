internal import Glibc
internal import PerigeeCore
internal import PerigeeSQLite

extension Archive {
    /// What opening or reindexing found.
    public struct Recovery: Equatable, Sendable {
        /// Packets and tombstones that segments had and the index lacked.
        public var indexed = 0
        /// Octets of damage that were passed over, and of torn ends that were cut off.
        public var damagedSize = 0
        public var tornSize = 0
        /// Octets that the index knew and no segment has: acknowledged and lost.
        public var lostSize = 0
        /// Why the index was set aside and made anew; nil where it was sound.
        public var rebuilt: String?

        /// Nothing found.
        public init() {}
    }

    static func indexPath(_ directory: String) -> String { "\(directory)/index.sqlite" }

    /// Left behind by a process that met damage in the index, so that the next one makes it anew.
    private static func damagePath(_ directory: String) -> String { "\(directory)/index.damaged" }

    /// The next opening makes the index anew. Where even that fails, the next process meets the damage again and tries again.
    static func markIndexDamaged(_ directory: String) {
        let file = open(damagePath(directory), O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        if file >= 0 { close(file) }
    }

    /// Opens the index and brings it up to the segments; one that is damaged, or knows what no segment has, is set aside and made anew.
    static func openIndex(_ directory: String, _ recovery: inout Recovery) throws(ArchiveError) -> ArchiveIndex {
        do throws(ArchiveError) {
            if access(damagePath(directory), F_OK) == 0 { throw .indexDamaged(reason: "it failed while in use") }
            var index = try ArchiveIndex.open(indexPath(directory))
            recovery.lostSize = try lostSize(directory, index)
            if recovery.lostSize > 0 { throw .indexDamaged(reason: "segments lack what it knows") }
            try catchUp(directory, &index, &recovery)
            return index
        } catch {
            guard error.isIndexDamage else { throw error }
            let lost = recovery.lostSize
            recovery = Recovery()
            recovery.lostSize = lost
            recovery.rebuilt = "\(error)"
        }
        try removeIndex(directory, keeps: recovery.lostSize > 0)
        var index = try ArchiveIndex.open(indexPath(directory))
        try catchUp(directory, &index, &recovery)
        return index
    }

    /// Takes the index away. One that knows more than the segments is kept beside the archive: it says what was lost.
    static func removeIndex(_ directory: String, keeps: Bool = false) throws(ArchiveError) {
        let path = indexPath(directory)
        // the log first: an index without its log is only older
        for name in [path + "-wal", path + "-shm", path, damagePath(directory)] where access(name, F_OK) == 0 {
            if keeps, name.hasPrefix(path), !name.hasSuffix("-shm") {
                let kept = "\(directory)/index.lost.sqlite" + name.dropFirst(path.count)
                if rename(name, kept) != 0 { throw .last("rename", name) }
            } else if unlink(name) != 0, errno != ENOENT {
                throw .last("remove", name)
            }
        }
    }

    /// Octets that the index says are in segments, and that are not there.
    private static func lostSize(_ directory: String, _ index: borrowing ArchiveIndex) throws(ArchiveError) -> Int {
        var lost = 0
        for (number, end) in try index.segmentEnds() {
            var size = 0
            if access(Segment.path(directory, number), F_OK) == 0 {
                var file = try SystemFile(Segment.path(directory, number), flags: O_RDONLY)
                size = try file.size()
            }
            lost += max(0, end - size)
        }
        return lost
    }

    /// Indexes what stands behind the indexed part of each segment.
    static func catchUp(
        _ directory: String, _ index: inout ArchiveIndex, _ recovery: inout Recovery
    ) throws(ArchiveError) {
        let ends = try index.segmentEnds()
        let numbers = try Segment.numbers(directory)
        for number in numbers {
            try catchUp(
                directory, number, from: ends[number] ?? 0, isLast: number == numbers.last, &index, &recovery)
        }
    }

    private static func catchUp(
        _ directory: String, _ number: Int, from end: Int, isLast: Bool, _ index: inout ArchiveIndex,
        _ recovery: inout Recovery
    ) throws(ArchiveError) {
        let path = Segment.path(directory, number)
        var file = try SystemFile(path, flags: O_RDWR)
        let size = try file.size()
        if size < Segment.headerSize, isLast { return }  // torn while being made: it is made again
        let start = max(end, Segment.headerSize)
        if start >= size { return }
        let octets = try file.read(from: start, count: size - start)
        var scan = SegmentScan(octets, base: start)
        var records: [(record: SegmentRecord, offset: Int)] = []
        if end < Segment.headerSize {
            let header = try file.read(from: 0, count: Segment.headerSize)
            let isSound = try Segment.hasSoundHeader(header[...], number, records: octets[...], path: path)
            if !isSound { recovery.damagedSize += Segment.headerSize }
        }
        while let found = scan.next() { records.append((found.record, found.offset)) }
        if isLast {
            // They may stand in the cache only, after a sync that failed: written again they are synced for certain.
            try file.write(Array(octets.prefix(scan.end - start)), at: start)
            if scan.tailSize > 0 { try file.truncate(to: scan.end) }
            try file.sync()
            recovery.tornSize += scan.tailSize
        } else {
            recovery.damagedSize += scan.tailSize
        }
        recovery.damagedSize += scan.damagedSize
        recovery.indexed += records.count
        var rest = records[...]
        let reached = isLast ? scan.end : size  // nothing is appended to the others: their damage is looked at once
        repeat {
            let batch = rest.prefix(1_024)
            rest = rest.dropFirst(batch.count)
            try index.add(Array(batch), segment: number, end: rest.first?.offset ?? reached)
        } while !rest.isEmpty
    }
}

extension ArchiveError {
    /// Whether the index, and nothing else, is damaged or out of date: segments can make it anew.
    var isIndexDamage: Bool {
        switch self {
        case .indexDamaged: true
        case .index(.call(_, _, let code, _)): [11, 26].contains(code & 0xFF)  // SQLITE_CORRUPT, SQLITE_NOTADB
        case .version(_, let found, let expected): found < expected
        default: false
        }
    }
}
