internal import Glibc
public import PerigeeCore

/// The writing end of an archive: append-only segments and their index. One a process and archive; calls block, it belongs to one
/// thread at a time. Source: Docs/archive-format.md.
public struct Archive: ~Copyable {
    /// What became of a record.
    public enum Outcome: Equatable, Sendable {
        case stored
        /// The same packet is there already.
        case duplicate
        /// Another packet is there under this identity; the first one stays.
        case conflict
    }

    /// What opening or reindexing found.
    public struct Recovery: Equatable, Sendable {
        /// Records that segments had and the index lacked.
        public var indexed = 0
        /// Octets of damage that were passed over, and of torn ends that were cut off.
        public var damagedSize = 0
        public var tornSize = 0

        /// Nothing found.
        public init() {}
    }

    public static let segmentSizeLimit = 64 << 20
    public let directory: String
    /// What opening found.
    public private(set) var recovery = Recovery()
    private let segmentLimit: Int
    private let lock: SystemFile
    private var index: ArchiveIndex
    private var segment: SystemFile
    private var number: Int
    private var end: Int
    private var hasFailed = false

    /// Opens or makes the archive in `directory`, indexes what the index lacks and cuts off a torn end. `segmentLimit` in octets.
    public init(_ directory: String, segmentLimit: Int = Self.segmentSizeLimit) throws(ArchiveError) {
        try SystemFile.makeDirectory(directory)
        try SystemFile.makeDirectory("\(directory)/segments")
        let lock = try SystemFile("\(directory)/lock", flags: O_RDWR | O_CREAT)
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .locked(path: directory) }
        try SystemFile.syncDirectory(directory)
        var index = try ArchiveIndex.open("\(directory)/index.sqlite")
        let recovery = try Self.catchUp(directory, &index)
        let last = try Segment.numbers(directory).last ?? 1
        var segment = try Self.openSegment(directory, last)
        end = try segment.size()
        self.directory = directory
        self.segmentLimit = segmentLimit
        self.lock = lock
        self.index = index
        self.segment = segment
        self.number = last
        self.recovery = recovery
    }

    /// Stores records in order: one sync of the segment, then one transaction of the index. When it returns, all are durable.
    /// After an error nothing of this archive may be trusted until it is opened anew.
    public mutating func append(_ records: [ArchiveRecord]) throws(ArchiveError) -> [Outcome] {
        guard !hasFailed else { throw .failedBefore(path: directory) }
        hasFailed = true
        var outcomes: [Outcome] = []
        var octets: [UInt8] = []
        var fresh: [(record: ArchiveRecord, offset: Int)] = []
        var seen: [Identity: UInt32] = [:]
        for record in records {
            let identity = Identity(station: record.station, epoch: record.epoch, number: record.number)
            var known = seen[identity]
            if known == nil {
                known = try index.checksum(station: record.station, epoch: record.epoch, number: record.number)
            }
            if let known {
                outcomes.append(known == record.checksum ? .duplicate : .conflict)
                continue
            }
            let packed = record.packed()
            if end + octets.count + packed.count > segmentLimit, end + octets.count > Segment.headerSize {
                try commit(&octets, &fresh)
                try roll()
            }
            seen[identity] = record.checksum
            fresh.append((record, end + octets.count))
            octets += packed
            outcomes.append(.stored)
        }
        try commit(&octets, &fresh)
        hasFailed = false
        return outcomes
    }

    /// The durable numbers of an epoch from `lowest` on, as ranges that do not touch; at most `limit`.
    public mutating func numbers(
        station: String, epoch: Epoch, from lowest: UInt64, limit: Int = 1_024
    ) throws(ArchiveError) -> [Range<UInt64>] {
        try index.numbers(station: station, epoch: epoch, from: lowest, limit: limit)
    }

    /// Makes the index anew from the segments; nobody may write meanwhile. Followers keep their place: rows get the same ids.
    public static func reindex(_ directory: String) throws(ArchiveError) -> Recovery {
        let lock = try SystemFile("\(directory)/lock", flags: O_RDWR | O_CREAT)
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .locked(path: directory) }
        let path = "\(directory)/index.sqlite"
        for suffix in ["", "-wal", "-shm"] where unlink(path + suffix) != 0 && errno != ENOENT {
            throw .last("remove", path + suffix)
        }
        var index = try ArchiveIndex.open(path)
        let recovery = try catchUp(directory, &index)
        try SystemFile.syncDirectory(directory)
        return recovery
    }

    private struct Identity: Hashable {
        let station: String
        let epoch: Epoch
        let number: UInt64
    }

    private mutating func commit(
        _ octets: inout [UInt8], _ fresh: inout [(record: ArchiveRecord, offset: Int)]
    ) throws(ArchiveError) {
        guard !fresh.isEmpty else { return }
        try segment.write(octets, at: end)
        try segment.sync()
        end += octets.count
        try index.add(fresh, segment: number, end: end)
        octets = []
        fresh = []
    }

    private mutating func roll() throws(ArchiveError) {
        segment = try Self.openSegment(directory, number + 1)
        number += 1
        end = try segment.size()
    }

    /// Opens a segment to append to, and makes it where it is missing.
    private static func openSegment(_ directory: String, _ number: Int) throws(ArchiveError) -> SystemFile {
        var file = try SystemFile(Segment.path(directory, number), flags: O_RDWR | O_CREAT)
        guard try file.size() < Segment.headerSize else { return file }
        try file.truncate(to: 0)
        try file.write(Segment.header(number), at: 0)
        try file.sync()
        try SystemFile.syncDirectory("\(directory)/segments")
        return file
    }

    /// Indexes what stands behind the indexed part of each segment.
    private static func catchUp(_ directory: String, _ index: inout ArchiveIndex) throws(ArchiveError) -> Recovery {
        var recovery = Recovery()
        let ends = try index.segmentEnds()
        let numbers = try Segment.numbers(directory)
        for number in numbers {
            let path = Segment.path(directory, number)
            var file = try SystemFile(path, flags: O_RDWR)
            let size = try file.size()
            let isLast = number == numbers.last
            if size < Segment.headerSize, isLast { continue }  // torn while being made: it is made again
            try Segment.checkHeader(try file.read(from: 0, count: Segment.headerSize)[...], number, path: path)
            let start = max(ends[number] ?? 0, Segment.headerSize)
            if start >= size { continue }
            var scan = SegmentScan(try file.read(from: start, count: size - start), base: start)
            var batch: [(record: ArchiveRecord, offset: Int)] = []
            while let found = scan.next() {
                batch.append((found.record, found.offset))
                recovery.indexed += 1
                if batch.count == 1_024 {
                    try index.add(batch, segment: number, end: scan.end)
                    batch = []
                }
            }
            try index.add(batch, segment: number, end: scan.end)
            recovery.damagedSize += scan.damagedSize
            if scan.tailSize > 0, isLast {
                try file.truncate(to: scan.end)
                try file.sync()
                recovery.tornSize += scan.tailSize
            } else {
                recovery.damagedSize += scan.tailSize
            }
        }
        return recovery
    }
}
