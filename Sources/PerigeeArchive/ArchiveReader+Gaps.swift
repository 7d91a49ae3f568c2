public import PerigeeCore
internal import PerigeeSQLite

/// What an archive holds and lacks of one epoch.
public struct EpochGaps: Equatable, Sendable {
    /// Numbers whose packet is not here.
    public struct Hole: Equatable, Sendable {
        public var numbers: Range<UInt64>
        public var cause: Cause
    }

    /// Why a packet is not here.
    public enum Cause: Equatable, Sendable {
        /// The station said that it will never come.
        case tombstone(TombstoneReason)
        /// The station still holds it, as far as it said.
        case waiting
        /// Nobody said why: something is lost, or the index does not know yet what the station holds.
        case unexplained
    }

    public var station: String
    public var epoch: Epoch
    public var packets = 0
    /// The greatest number of a packet or a tombstone.
    public var highest: UInt64 = 0
    /// The smallest number that the station held when it last spoke; 0 where the index does not know.
    public var lowest: UInt64
    /// Ascending and apart.
    public var holes: [Hole] = []
    /// All there are, also those that a packet proved wrong; by their first number.
    public var tombstones: [Tombstone] = []

    /// How many numbers are missing for a cause.
    public func count(_ cause: Cause) -> UInt64 {
        holes.reduce(0) { $1.cause == cause ? $0 + $1.numbers.upperBound - $1.numbers.lowerBound : $0 }
    }

    /// How many numbers tombstones explain.
    public var buriedCount: UInt64 { TombstoneReason.allCases.reduce(0) { $0 + count(.tombstone($1)) } }

    /// Adds what is missing in `numbers`: tombstones first, then what the station holds, then what nobody explains.
    mutating func add(_ numbers: Range<UInt64>, _ buried: [(numbers: Range<UInt64>, reason: TombstoneReason)]) {
        var position = numbers.lowerBound
        var next = buried.partitioningIndex { $0.numbers.upperBound > position }
        while position < numbers.upperBound {
            let end: UInt64
            if next < buried.count, buried[next].numbers.lowerBound <= position {
                end = min(buried[next].numbers.upperBound, numbers.upperBound)
                holes.append(Hole(numbers: position..<end, cause: .tombstone(buried[next].reason)))
                next += 1
            } else {
                let nextBuried = next < buried.count ? buried[next].numbers.lowerBound : .max
                end = min(nextBuried, numbers.upperBound)
                let split = lowest == 0 ? end : min(max(lowest, position), end)
                if position < split { holes.append(Hole(numbers: position..<split, cause: .unexplained)) }
                if split < end { holes.append(Hole(numbers: split..<end, cause: .waiting)) }
            }
            position = end
        }
    }
}

extension Array {
    /// The first index whose element fulfils a condition that no later one leaves; `count` where there is none.
    fileprivate func partitioningIndex(_ condition: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension ArchiveReader {
    /// Holes of all epochs, or of those of one station, in the order in which the epochs began.
    public func gaps(station: String? = nil) throws(ArchiveError) -> [EpochGaps] {
        var result: [EpochGaps] = []
        do throws(SQLiteError) {
            let epochs = try database.prepare(
                "SELECT id, station, epoch, lowest FROM epochs WHERE ?1 IS NULL OR station = ?1 ORDER BY id")
            try epochs.bind([station.map(SQLiteValue.text) ?? .null])
            while try epochs.step() {
                guard let name = epochs.text(1), let epoch = try? Epoch(bytes: epochs.blob(2)) else { continue }
                result.append(
                    try gaps(
                        epochs.integer(0),
                        EpochGaps(station: name, epoch: epoch, lowest: UInt64(max(0, epochs.integer(3))))))
            }
        } catch { throw .index(error) }
        return result
    }

    private func gaps(_ row: Int64, _ named: EpochGaps) throws(SQLiteError) -> EpochGaps {
        var gaps = named
        gaps.tombstones = try tombstones(row)
        var buried: [(numbers: Range<UInt64>, reason: TombstoneReason)] = []
        for tombstone in gaps.tombstones {  // they may overlap: the first one counts
            let start = max(tombstone.numbers.lowerBound, buried.last?.numbers.upperBound ?? 1)
            if start < tombstone.numbers.upperBound {
                buried.append((start..<tombstone.numbers.upperBound, tombstone.reason))
            }
        }
        let numbers = try database.prepare("SELECT number FROM packets WHERE epoch = ? ORDER BY number")
        try numbers.bind([.integer(row)])
        var next: UInt64 = 1
        while try numbers.step() {
            let number = UInt64(numbers.integer(0))
            if number > next { gaps.add(next..<number, buried) }
            next = number + 1
            gaps.packets += 1
        }
        if let last = buried.last, last.numbers.upperBound > next {
            gaps.add(next..<last.numbers.upperBound, buried)
            next = last.numbers.upperBound
        }
        gaps.highest = next - 1
        return gaps
    }

    private func tombstones(_ row: Int64) throws(SQLiteError) -> [Tombstone] {
        let statement = try database.prepare(
            "SELECT first, last, reason, frames, size, stored_first, stored_last FROM tombstones WHERE epoch = ?"
                + " ORDER BY first, id")
        try statement.bind([.integer(row)])
        var tombstones: [Tombstone] = []
        while try statement.step() {
            guard let reason = TombstoneReason(rawValue: UInt8(truncatingIfNeeded: statement.integer(2))) else {
                continue
            }
            tombstones.append(
                Tombstone(
                    numbers: UInt64(statement.integer(0))..<UInt64(statement.integer(1)) + 1, reason: reason,
                    frames: Int(statement.integer(3)), size: Int(statement.integer(4)),
                    first: Timestamp(milliseconds: statement.integer(5)),
                    last: Timestamp(milliseconds: statement.integer(6))))
        }
        return tombstones
    }
}
