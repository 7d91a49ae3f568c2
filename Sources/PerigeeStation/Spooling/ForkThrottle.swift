/// When the spool may begin another epoch in the place of one that the gateway finds fault with: at once the first time, then after 10 s
/// and twice as long each further time, up to an hour. Else a gateway that finds fault with every epoch would fill the disk with new ones.
package struct ForkThrottle: Sendable {
    private static let shortestMilliseconds: Int64 = 10_000
    private static let longestMilliseconds: Int64 = 3_600_000

    private var next = Int64.min
    private var wait = Self.shortestMilliseconds

    /// No fork so far.
    package init() {}

    /// Whether a fork may be made now, on the monotonic clock in milliseconds; it is taken for made.
    package mutating func permits(_ now: Int64) -> Bool {
        guard now >= next else { return false }
        // After a long peace the next quarrel begins anew.
        wait = now >= next + 2 * wait ? Self.shortestMilliseconds : min(2 * wait, Self.longestMilliseconds)
        next = now + wait
        return true
    }
}
