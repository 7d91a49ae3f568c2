/// The octets of one tile as far as they were coded, and where they may be cut with profit. Any cut is valid.
struct TileStream: Sendable {
    var octets: [UInt8]
    /// Octets determined at the end of each sub-band of each pass, as far as these were reached.
    var ends: [Int]
    /// Octets that hold the whole mask; 0 where the frame has none.
    var maskSize: Int
    /// Whether there are no more octets to be had: every coefficient is coded to the last bit.
    var isExhausted: Bool

    /// Octets at the end of position `index`, and whether that is known exactly or only a lower bound.
    func end(_ index: Int) -> (size: Int, isExact: Bool) {
        if index < 0 { return (maskSize, true) }
        if index < ends.count { return (max(ends[index], maskSize), true) }
        return (max(octets.count, maskSize), isExhausted)
    }
}
