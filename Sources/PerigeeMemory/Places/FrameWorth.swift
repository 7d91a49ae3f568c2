internal import Glibc

/// What memory loses with an entry, for each octet: the order in which entries go.
enum FrameWorth {
    /// Milliseconds of memory's own clock in which what nobody came back to loses half of its worth.
    private static let halving = 180.0 * 86_400_000

    /// What a place loses with it.
    enum Role: Double {
        /// The only key of its place.
        case onlyKey = 8
        /// A key beside others.
        case key = 4
        /// A frame that is the place's only one, and no key.
        case only = 3
        /// An update, or a frame that waits for its acknowledgement.
        case update = 1
    }

    /// Rises with role and clear share, falls with size; in 1/1,024 of a doubling. `clock` is memory's: an entry that was looked
    /// at later goes later, and the order among all others never changes with time.
    static func worth(_ role: Role, clearShare: Double, size: Int, clock: Int64) -> Int64 {
        let value = role.rawValue * max(clearShare, 0.05) / Double(max(size, 64))
        return Int64((1_024 * (log2(value) + Double(clock) / halving)).rounded())
    }
}
