package import PerigeeCore
package import PerigeeJSON

/// The saving over time: what the totals were at the beginning of each hour, for 30 days. A pure value.
///
/// A period is the totals now less those of the mark at its beginning, so nothing that was counted is lost or told twice by a crash;
/// a mark that was lost only makes its hour join the one before.
package struct SavingHistory: Equatable, Sendable {
    package struct Mark: Equatable, Sendable {
        package var time: Timestamp
        package var totals: SavingTotals
    }

    /// A span and what was added in it.
    package struct Period: Equatable, Sendable {
        package var since: Timestamp
        package var until: Timestamp
        package var growth: SavingTotals
    }

    private static let hour: Int64 = 3_600_000
    /// 30 days and the hour in which they begin.
    private static let limit = 721
    /// Octets of a file that is read at most.
    package static let sizeLimit = 1 << 26
    private static let version = 1

    /// Oldest first.
    package private(set) var marks: [Mark] = []

    /// No marks.
    package init() {}

    /// Sets the mark of a new hour. True where there is a new one: keep the file.
    package mutating func note(_ totals: SavingTotals, now: Timestamp) -> Bool {
        // marks of another spool, or of a clock that was ahead
        marks.removeAll { !$0.totals.isBefore(totals) || $0.time > now }
        if let last = marks.last, last.time.milliseconds / Self.hour == now.milliseconds / Self.hour { return false }
        marks.append(Mark(time: now, totals: totals))
        marks.removeFirst(max(marks.count - Self.limit, 0))
        return true
    }

    /// The last so many seconds, from the mark at or before their beginning; all there is where they go back further.
    package func period(seconds: Int64, totals: SavingTotals, now: Timestamp) -> Period {
        let begin = now.milliseconds - seconds * 1_000
        let mark = marks.last { $0.time.milliseconds <= begin } ?? marks.first
        guard let mark else { return Period(since: now, until: now, growth: totals.growth(after: totals)) }
        return Period(since: mark.time, until: now, growth: totals.growth(after: mark.totals))
    }

    /// Hours in which something was delivered or sent, oldest first, the running one last.
    package func hours(totals: SavingTotals, now: Timestamp) -> [Period] {
        var periods: [Period] = []
        for (index, mark) in marks.enumerated() {
            let next = index + 1 < marks.count ? marks[index + 1] : Mark(time: now, totals: totals)
            let growth = next.totals.growth(after: mark.totals)
            guard growth.frames > 0 || growth.linkSize > 0 else { continue }
            periods.append(Period(since: mark.time, until: next.time, growth: growth))
        }
        return periods
    }

    // MARK: its file

    package var json: JSONValue {
        .object([
            "v": .integer(Self.version),
            "marks": .array(
                marks.map { mark in
                    .object([
                        "time": .integer(Int(mark.time.milliseconds)),
                        "figures": .sorted(mark.totals.figures.mapValues { .integer($0) }),
                    ])
                }),
        ])
    }

    /// Reads what `json` made; nil where it is something else.
    package init?(parsing octets: [UInt8]) {
        guard let json = try? JSONValue(parsing: octets[...], depthLimit: 5), json["v"]?.int == Self.version,
            case .array(let entries)? = json["marks"], entries.count <= Self.limit
        else { return nil }
        for entry in entries {
            guard let time = entry["time"]?.int, case .object(let members)? = entry["figures"] else { return nil }
            var figures: [String: Int] = [:]
            for member in members {
                guard let value = member.value.int, value >= 0 else { return nil }
                figures[member.name] = value
            }
            let mark = Mark(time: Timestamp(milliseconds: Int64(time)), totals: SavingTotals(figures: figures))
            guard marks.last.map({ $0.time < mark.time }) ?? true else { return nil }
            marks.append(mark)
        }
    }
}
