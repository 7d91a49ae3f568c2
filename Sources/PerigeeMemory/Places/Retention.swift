package import PerigeeCore

/// Which acknowledged frames of a place stay. A pure function: Docs/memory.md, "What stays".
package struct Retention: Sendable {
    /// An acknowledged frame of the place, at the layers that count.
    package struct Member: Equatable, Sendable {
        package var frame: UInt64
        /// When it was taken, nil where unknown.
        package var time: Timestamp?
        /// Plain, and as fine as 300x.
        package var isKey: Bool
        package var clearShare: Double
        package var distortion: Float?

        package init(frame: UInt64, time: Timestamp?, isKey: Bool, clearShare: Double, distortion: Float?) {
            (self.frame, self.time, self.isKey) = (frame, time, isKey)
            (self.clearShare, self.distortion) = (clearShare, distortion)
        }
    }

    /// Age from which on a key gives way to any clear frame.
    package var keyAge: Int64
    /// Age at which the key of a season goes.
    package var seasonAge: Int64
    /// A frame that shows less of the ground is kept only where there is nothing else.
    package var clearShare = 0.5

    package init(keyAge: Int64 = 60 * 86_400_000, seasonAge: Int64 = 400 * 86_400_000) {
        (self.keyAge, self.seasonAge) = (keyAge, seasonAge)
    }

    /// The frames to keep of `members`, which are in order of their numbers.
    package func kept(_ members: [Member]) -> Set<UInt64> {
        guard let newest = members.last else { return [] }
        let clear = members.filter { $0.clearShare >= clearShare }
        guard let latest = latest(clear) else {
            // nothing but clouds: the clearest, and of two alike the newer one
            let best = members.max { ($0.clearShare, $0.frame) < ($1.clearShare, $1.frame) }
            return [best?.frame ?? newest.frame]
        }
        var kept: Set<UInt64> = [latest.frame]
        var keys: [Int?: Member] = [:]
        for member in clear where member.isKey {
            let season = member.time.map(Self.season)
            if let known = keys[season], !replaces(member, known) { continue }
            keys[season] = member
        }
        let now = latest.time
        for key in keys.values {
            let age = Self.age(of: key.time, now)
            if age > seasonAge { continue }
            // a coarse frame that measures better, or came when the season's key was old, stands in for it
            let isCurrent = now.map(Self.season) == key.time.map(Self.season)
            if isCurrent, key.frame != latest.frame, replaces(latest, key) { continue }
            kept.insert(key.frame)
        }
        return kept
    }

    /// The newest clear frame; one that shows clearly less of the ground than another does not push that one out.
    private func latest(_ clear: [Member]) -> Member? {
        clear.reduce(nil) { best, member in
            guard let best else { return member }
            return member.clearShare >= min(best.clearShare, 0.9) ? member : best
        }
    }

    /// Whether a newer clear frame takes the place of a key: only by a lower distortion, or because the key is old.
    package func replaces(_ new: Member, _ key: Member) -> Bool {
        if Self.age(of: key.time, new.time) > keyAge { return true }
        // a key of years ahead came under a wrong clock: else it would stay for ever
        if new.isKey, Self.age(of: new.time, key.time) > seasonAge { return true }
        guard let measured = new.distortion, let before = key.distortion else { return false }
        return measured < before && new.clearShare >= min(key.clearShare, 0.9)
    }

    /// Quarter of the year, winter first: 0 from December on.
    package static func season(_ time: Timestamp) -> Int {
        let year = 365.2425 * 86_400_000
        let share = (Double(time.milliseconds) + 31 * 86_400_000) / year
        return min(Int((share - share.rounded(.down)) * 4), 3)
    }

    /// Milliseconds between two times; 0 where one is unknown, or the clock went back.
    private static func age(of time: Timestamp?, _ now: Timestamp?) -> Int64 {
        guard let time, let now else { return 0 }
        let (age, overflow) = now.milliseconds.subtractingReportingOverflow(time.milliseconds)
        return overflow ? 0 : max(age, 0)
    }
}
