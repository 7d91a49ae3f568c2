/// An adaptive probability in 32 bits: 22 bits of the probability that a decision is 1, then 10 bits of the count of
/// decisions it has seen. Source: Docs/packet-format.md section 5.6.
enum Cell {
    /// Counts stop here: older decisions fade with a rate of 1 / (count + 1.6).
    static let countLimit: UInt32 = 400
    /// Counts of trained tables are lowered to this at the start of each tile, so that a frame can move them.
    static let startCountLimit: UInt32 = 60

    /// `floor(65536 / (count + 1.6))`.
    static let rates: [Int32] = (0..<1024).map { Int32(327_680 / (5 * $0 + 8)) }

    /// A cell that expects 1 with `probability`.
    static func make(probability: Double, count: UInt32) -> UInt32 {
        UInt32(max(0, min(4_194_303, probability * 4_194_304))) << 10 | count
    }

    /// A cell of trained tables as a tile starts with it.
    @inline(__always)
    static func capped(_ cell: UInt32, _ limit: UInt32) -> UInt32 {
        cell & 1023 > limit ? cell & ~1023 | limit : cell
    }

    /// Probability of 1 in 1/65,536 as the coder takes it.
    @inline(__always)
    static func probability(_ cell: UInt32) -> UInt32 { min(max(cell >> 16, 2), 65_533) }

    /// The cell after one more decision.
    @inline(__always)
    static func updated(_ cell: UInt32, bit: Int, rates: UnsafePointer<Int32>) -> UInt32 {
        let count = cell & 1023
        let probability = Int64(cell >> 10)
        let target = Int64(bit) &* 4_194_303
        let moved = probability &+ ((target &- probability) &* Int64(rates[Int(count)])) >> 16
        return UInt32(truncatingIfNeeded: moved) << 10 | (count < countLimit ? count &+ 1 : count)
    }
}
