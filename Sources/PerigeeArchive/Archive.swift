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

    public static let segmentSizeLimit = 64 << 20
    public let directory: String
    /// What opening found.
    public let recovery: Recovery
    /// Octets after which a segment is closed.
    public var segmentLimit: Int
    private let lock: SystemFile
    private var index: ArchiveIndex
    private var segment: SystemFile
    private var number: Int
    private var end: Int
    private var hasFailed = false

    /// Opens or makes the archive in `directory`, indexes what the index lacks and cuts off a torn end. `segmentLimit` in octets.
    public init(_ directory: String, segmentLimit: Int = Self.segmentSizeLimit) throws(ArchiveError) {
        try SystemFile.makeDurableDirectory(directory)
        try SystemFile.makeDirectory("\(directory)/segments")
        let lock = try Self.hold(directory)
        try SystemFile.syncDirectory(directory)
        var recovery = Recovery()
        let index = try Self.openIndex(directory, &recovery)
        let last = try Segment.numbers(directory).last ?? 1
        var segment = try Self.openSegment(directory, last)
        // its entry may be left over from a start that ended before it was durable
        try SystemFile.syncDirectory("\(directory)/segments")
        end = try segment.size()
        self.directory = directory
        self.segmentLimit = segmentLimit
        self.lock = lock
        self.index = index
        self.segment = segment
        self.number = last
        self.recovery = recovery
    }

    /// Stores records and tombstones in order: one sync of the segment, then one transaction of the index. When it returns, all are
    /// durable; the outcomes are those of `records`. After an error nothing of this archive may be trusted until it is opened anew.
    public mutating func append(
        _ records: [ArchiveRecord], tombstones: [TombstoneRecord] = []
    ) throws(ArchiveError) -> [Outcome] {
        guard !hasFailed else { throw .failedBefore(path: directory) }
        hasFailed = true
        let outcomes: [Outcome]
        do throws(ArchiveError) { outcomes = try store(records, tombstones) } catch {
            if error.isIndexDamage { Self.markIndexDamaged(directory) }
            throw error
        }
        hasFailed = false
        return outcomes
    }

    /// What is durable of an epoch from `lowest` on: at most `rangeLimit` ranges, and the `newestLimit` packets that came last. Remembers
    /// that the station holds nothing below `lowest`.
    public mutating func state(
        station: String, epoch: Epoch, from lowest: UInt64, rangeLimit: Int = 1_024, newestLimit: Int = 256
    ) throws(ArchiveError) -> EpochState {
        try index.raise(station: station, epoch: epoch, lowest: lowest)
        return try index.state(
            station: station, epoch: epoch, from: lowest, rangeLimit: rangeLimit, newestLimit: newestLimit)
    }

    /// Remembers that a station holds nothing below `lowest` any more: what is missing there does not wait.
    public mutating func raise(station: String, epoch: Epoch, lowest: UInt64) throws(ArchiveError) {
        try index.raise(station: station, epoch: epoch, lowest: lowest)
    }

    /// Makes the index anew from the segments; nobody may write meanwhile. Followers keep their place: rows get the same ids.
    public static func reindex(_ directory: String) throws(ArchiveError) -> Recovery {
        let lock = try hold(directory)
        try removeIndex(directory)
        var index = try ArchiveIndex.open(indexPath(directory))
        var recovery = Recovery()
        try catchUp(directory, &index, &recovery)
        try SystemFile.syncDirectory(directory)
        _ = consume lock
        return recovery
    }

    private struct Identity: Hashable {
        let station: String
        let epoch: Epoch
        let number: UInt64
    }

    private mutating func store(
        _ records: [ArchiveRecord], _ tombstones: [TombstoneRecord]
    ) throws(ArchiveError) -> [Outcome] {
        var outcomes: [Outcome] = []
        var pending = Pending()
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
            seen[identity] = record.checksum
            try add(.packet(record), to: &pending)
            outcomes.append(.stored)
        }
        for tombstone in tombstones where try !index.contains(tombstone) {
            try add(.tombstone(tombstone), to: &pending)
        }
        try commit(&pending)
        return outcomes
    }

    /// Records on their way into the segment.
    private struct Pending {
        var octets: [UInt8] = []
        var records: [(record: SegmentRecord, offset: Int)] = []
    }

    private mutating func add(_ record: SegmentRecord, to pending: inout Pending) throws(ArchiveError) {
        let packed = record.packed()
        let used = end + pending.octets.count
        if used + packed.count > segmentLimit, used > Segment.headerSize {
            try commit(&pending)
            try roll()
        }
        pending.records.append((record, end + pending.octets.count))
        pending.octets += packed
    }

    private mutating func commit(_ pending: inout Pending) throws(ArchiveError) {
        guard !pending.records.isEmpty else { return }
        try segment.write(pending.octets, at: end)
        try segment.sync()
        end += pending.octets.count
        try index.add(pending.records, segment: number, end: end)
        pending = Pending()
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

    private static func hold(_ directory: String) throws(ArchiveError) -> SystemFile {
        let lock = try SystemFile("\(directory)/lock", flags: O_RDWR | O_CREAT)
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .locked(path: directory) }
        return lock
    }
}
