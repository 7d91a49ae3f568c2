internal import PerigeeCore
internal import PerigeeSQLite

/// What an archive holds of one epoch, for the answer to a station's HELLO.
public struct EpochState: Equatable, Sendable {
    /// Durable numbers from the lowest asked for, packets and tombstones, ascending and apart.
    public var numbers: [Range<UInt64>] = []
    /// Numbers of the packets that came last, ascending and apart: what a station may not have heard of yet.
    public var newest: [Range<UInt64>] = []
    /// The packet with the highest number, and its checksum; nil where there is none.
    public var highest: (number: UInt64, checksum: UInt32)?

    /// Nothing.
    public init() {}

    public static func == (left: EpochState, right: EpochState) -> Bool {
        left.numbers == right.numbers && left.newest == right.newest && left.highest?.number == right.highest?.number
            && left.highest?.checksum == right.highest?.checksum
    }
}

extension ArchiveIndex {
    /// What is durable of an epoch from `lowest` on: at most `rangeLimit` ranges, and the `newestLimit` packets that came last.
    mutating func state(
        station: String, epoch: Epoch, from lowest: UInt64, rangeLimit: Int, newestLimit: Int
    ) throws(ArchiveError) -> EpochState {
        var state = EpochState()
        do throws(SQLiteError) {
            guard let row = try epochRow(station, epoch, inserts: false) else { return state }
            let packets = try packetRanges(row, from: lowest, limit: rangeLimit)
            let tombstones = try tombstoneRanges(row, from: lowest, limit: rangeLimit)
            state.numbers = tombstones.isEmpty ? packets : Array(merged(packets + tombstones).prefix(rangeLimit))
            let newest = try database.prepare("SELECT number FROM packets WHERE epoch = ? ORDER BY id DESC LIMIT ?")
            try newest.bind([.integer(row), .integer(Int64(newestLimit))])
            var numbers: [Range<UInt64>] = []
            while try newest.step() {
                let number = UInt64(newest.integer(0))
                if number >= lowest { numbers.append(number..<number + 1) }
            }
            state.newest = merged(numbers)
            let highest = try database.prepare(
                "SELECT number, crc FROM packets WHERE epoch = ? ORDER BY number DESC LIMIT 1")
            try highest.bind([.integer(row)])
            if try highest.step() {
                state.highest = (UInt64(highest.integer(0)), UInt32(truncatingIfNeeded: highest.integer(1)))
            }
            return state
        } catch { throw .index(error) }
    }

    private func packetRanges(_ row: Int64, from lowest: UInt64, limit: Int) throws(SQLiteError) -> [Range<UInt64>] {
        let statement = try database.prepare(
            "SELECT number FROM packets WHERE epoch = ? AND number >= ? ORDER BY number")
        try statement.bind([.integer(row), .integer(Int64(lowest))])
        var ranges: [Range<UInt64>] = []
        while try statement.step() {
            let number = UInt64(statement.integer(0))
            if let last = ranges.last, last.upperBound == number {
                ranges[ranges.count - 1] = last.lowerBound..<number + 1
            } else {
                if ranges.count == limit { break }
                ranges.append(number..<number + 1)
            }
        }
        return ranges
    }

    private func tombstoneRanges(_ row: Int64, from lowest: UInt64, limit: Int) throws(SQLiteError) -> [Range<UInt64>] {
        let statement = try database.prepare(
            "SELECT first, last FROM tombstones WHERE epoch = ? AND last >= ? ORDER BY first LIMIT ?")
        try statement.bind([.integer(row), .integer(Int64(lowest)), .integer(Int64(limit))])
        var ranges: [Range<UInt64>] = []
        while try statement.step() {
            ranges.append(max(UInt64(statement.integer(0)), lowest)..<UInt64(statement.integer(1)) + 1)
        }
        return ranges
    }
}

/// The same numbers as ranges that are ascending and apart.
func merged(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
    var result: [Range<UInt64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
        if let last = result.last, range.lowerBound <= last.upperBound {
            result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
        } else {
            result.append(range)
        }
    }
    return result
}
