/// Tells a station that was started again from two of them under one name: a start's boot number never comes back.
package struct IdentityWatch: Equatable, Sendable {
    package enum Verdict: Equatable {
        case welcome
        /// A boot that another one had taken over from is back: two stations use this name. The newest HELLO wins.
        case conflict
        /// This is the older of two that kept taking over from each other.
        case refused
    }

    private struct Refusal: Equatable {
        let boot: UInt64
        let until: Int64
    }

    package static let periodMilliseconds: Int64 = 600_000
    package static let flipLimit = 3
    /// Boots that are remembered; a clone among more starts than that is seen a flip later.
    private static let memory = 16

    /// In the order in which they were first seen; the last HELLO was of `current`.
    private var boots: [UInt64] = []
    private var current: UInt64?
    private var flips: [Int64] = []
    private var refusal: Refusal?

    package init() {}

    /// Whether two stations used this name in the last ten minutes.
    package func isInConflict(_ now: Int64) -> Bool {
        flips.contains { now < $0 + Self.periodMilliseconds } || refusal.map { now < $0.until } == true
    }

    package mutating func greet(boot: UInt64, now: Int64) -> Verdict {
        if let refusal {
            if now >= refusal.until { self.refusal = nil } else if refusal.boot == boot { return .refused }
        }
        guard boot != current else { return .welcome }
        guard let place = boots.firstIndex(of: boot) else {
            boots.append(boot)
            if boots.count > Self.memory { boots.removeFirst() }
            current = boot
            return .welcome
        }
        flips = flips.filter { now < $0 + Self.periodMilliseconds } + [now]
        guard flips.count >= Self.flipLimit, let other = current else {
            current = boot
            return .conflict
        }
        let isOlder = boots.firstIndex(of: other).map { place < $0 } ?? false
        refusal = Refusal(boot: isOlder ? boot : other, until: now + Self.periodMilliseconds)
        flips = []
        if isOlder { return .refused }
        current = boot
        return .conflict
    }
}
