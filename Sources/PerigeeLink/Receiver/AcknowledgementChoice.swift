/// Which of the durable numbers an ACK names: it has room for few ranges, and the station has heard of most numbers before.
struct AcknowledgementChoice: Sendable {
    /// Numbers, in any order, that became durable and were not named yet; of a range that came at once its first.
    private var fresh: [UInt64] = []

    init() {}

    /// Numbers that no acknowledgement has named.
    var hasMore: Bool { !fresh.isEmpty }

    mutating func add(_ number: UInt64) { fresh.append(number) }

    /// What one message names: the ranges that hold something new, then the lowest others. What finds no room waits for the next.
    mutating func next(of durable: inout SequenceSet) -> Acknowledgement {
        var chosen: [Range<UInt64>] = []
        var rest: [UInt64] = []
        for number in fresh.sorted() {
            // what the set forgot is durable all the same
            if number == durable.cumulative + 1 { durable.insert(number) }
            if number <= durable.cumulative { continue }
            let range = durable.range(containing: number) ?? number..<number + 1
            if let last = chosen.last, range.lowerBound <= last.upperBound {
                chosen[chosen.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else if chosen.count < LinkLimit.ranges {
                chosen.append(range)
            } else {
                rest.append(number)
            }
        }
        fresh = rest
        if chosen.count < LinkLimit.ranges { fill(&chosen, from: durable.ranges) }
        return Acknowledgement(cumulative: durable.cumulative, ranges: chosen)
    }

    /// Adds the lowest ranges that are not chosen and touch none of them, as far as there is room.
    private func fill(_ chosen: inout [Range<UInt64>], from ranges: [Range<UInt64>]) {
        var merged: [Range<UInt64>] = []
        var next = 0
        var room = LinkLimit.ranges - chosen.count
        for range in ranges {
            while next < chosen.count, chosen[next].upperBound < range.lowerBound {
                merged.append(chosen[next])
                next += 1
            }
            if next < chosen.count, chosen[next].lowerBound <= range.upperBound { continue }
            guard room > 0 else { break }
            merged.append(range)
            room -= 1
        }
        chosen = merged + chosen[next...]
    }
}
