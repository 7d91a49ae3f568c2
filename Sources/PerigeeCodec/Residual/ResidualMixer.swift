/// Decisions whose probability is mixed from four adaptive cells: a weighted sum on the logistic scale, whose weights learn
/// which cell to trust. Source: Docs/packet-format.md section 5.11, "Mixing".
struct ResidualMixer {
    /// Weights are in 1/65,536; the four of a set begin at 0.3 each.
    static let startWeight: Int32 = 19_661
    static let weightLimit: Int32 = 1 << 22
    private static let learningRate = 3

    let stretch: UnsafePointer<Int16>
    let squash: UnsafePointer<UInt16>
    let rates: UnsafePointer<Int32>

    /// Codes one decision with four cells and their weights, which all learn from it.
    @inline(__always)
    func code<Coder: BinaryCoder>(
        _ bit: Int, _ cells: UnsafeMutablePointer<UInt32>, _ index: SIMD4<Int>, weights: UnsafeMutablePointer<Int32>,
        with coder: inout Coder
    ) -> Int {
        let (first, second, third, fourth) = (cells[index.x], cells[index.y], cells[index.z], cells[index.w])
        let inputs = SIMD4<Int>(
            Int(stretch[Int(first >> 16)]), Int(stretch[Int(second >> 16)]), Int(stretch[Int(third >> 16)]),
            Int(stretch[Int(fourth >> 16)]))
        // at most 4 * 2^22 * 3,072 in magnitude
        var sum = Int(weights[0]) &* inputs.x &+ Int(weights[1]) &* inputs.y
        sum = sum &+ Int(weights[2]) &* inputs.z &+ Int(weights[3]) &* inputs.w
        let number = min(max(sum >> 16, -Logistic.limit), Logistic.limit)
        let probability = UInt32(squash[number &+ Logistic.limit])
        let bit = coder.code(bit, probability: probability)
        guard !coder.isStopped || !Coder.isDecoder else { return bit }
        let step = (bit << 16 &- Int(probability)) &* Self.learningRate
        for place in 0..<4 {
            let moved = Int(weights[place]) &+ (inputs[place] &* step) >> 18
            weights[place] = Int32(
                truncatingIfNeeded: min(max(moved, -Int(Self.weightLimit)), Int(Self.weightLimit)))
        }
        cells[index.x] = Cell.updated(first, bit: bit, rates: rates)
        cells[index.y] = Cell.updated(second, bit: bit, rates: rates)
        cells[index.z] = Cell.updated(third, bit: bit, rates: rates)
        cells[index.w] = Cell.updated(fourth, bit: bit, rates: rates)
        return bit
    }
}
