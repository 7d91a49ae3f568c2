/// Which numbers of an epoch are durable: everything up to `cumulative` but what was given up, and ranges above it.
public struct SequenceSet: Equatable, Sendable {
    public private(set) var cumulative: UInt64
    /// Ascending and apart from each other and from `cumulative`.
    public private(set) var ranges: [Range<UInt64>]

    /// Nothing, or what an index says; the ranges must be ascending and apart.
    public init(cumulative: UInt64 = 0, ranges: [Range<UInt64>] = []) {
        self.cumulative = cumulative
        self.ranges = ranges
        absorb()
    }

    /// Whether `number` is durable or given up.
    public func contains(_ number: UInt64) -> Bool {
        if number <= cumulative { return true }
        let index = firstRange(endingAbove: number)
        return index < ranges.count && ranges[index].contains(number)
    }

    /// Adds a number; false where it was there. Cost: logarithmic in the count of ranges, and a move of those behind it.
    @discardableResult
    public mutating func insert(_ number: UInt64) -> Bool {
        guard !contains(number) else { return false }
        let index = firstRange(endingAbove: number)
        let joinsBefore = index > 0 && ranges[index - 1].upperBound == number
        let joinsAfter = index < ranges.count && ranges[index].lowerBound == number + 1
        switch (joinsBefore, joinsAfter) {
        case (true, true):
            ranges[index - 1] = ranges[index - 1].lowerBound..<ranges[index].upperBound
            ranges.remove(at: index)
        case (true, false): ranges[index - 1] = ranges[index - 1].lowerBound..<number + 1
        case (false, true): ranges[index] = number..<ranges[index].upperBound
        case (false, false): ranges.insert(number..<number + 1, at: index)
        }
        absorb()
        return true
    }

    /// Adds a range of numbers. Cost: as `insert` of one number, and those ranges that it joins.
    public mutating func insert(_ range: Range<UInt64>) {
        var added = max(range.lowerBound, cumulative + 1)..<max(range.upperBound, cumulative + 1)
        guard !added.isEmpty else { return }
        let index = firstRange(endingAbove: added.lowerBound - 1)  // it may only touch
        var end = index
        while end < ranges.count, ranges[end].lowerBound <= added.upperBound {
            added =
                min(added.lowerBound, ranges[end].lowerBound)..<max(added.upperBound, ranges[end].upperBound)
            end += 1
        }
        ranges.replaceSubrange(index..<end, with: [added])
        absorb()
    }

    /// The range above the cumulative number that holds `number`; nil where there is none.
    public func range(containing number: UInt64) -> Range<UInt64>? {
        let index = firstRange(endingAbove: number)
        return index < ranges.count && ranges[index].contains(number) ? ranges[index] : nil
    }

    /// Forgets the highest ranges beyond `limit` of them; answers where what was forgotten begins.
    public mutating func forget(beyond limit: Int) -> UInt64? {
        guard ranges.count > limit else { return nil }
        let first = ranges[limit].lowerBound
        ranges.removeSubrange(limit...)
        return first
    }

    /// Gives up on all numbers below `lowest`; answers how many of them were missing.
    @discardableResult
    public mutating func raise(lowest: UInt64) -> UInt64 {
        guard lowest > cumulative + 1 else { return 0 }
        var missing = lowest - 1 - cumulative
        for range in ranges where range.lowerBound < lowest {
            missing -= min(range.upperBound, lowest) - range.lowerBound
        }
        cumulative = lowest - 1
        ranges = ranges.compactMap { range in
            range.upperBound <= lowest ? nil : max(range.lowerBound, lowest)..<range.upperBound
        }
        absorb()
        return missing
    }

    private func firstRange(endingAbove number: UInt64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound > number { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func absorb() {
        while let first = ranges.first, first.lowerBound <= cumulative + 1 {
            cumulative = max(cumulative, first.upperBound - 1)
            ranges.removeFirst()
        }
    }
}
