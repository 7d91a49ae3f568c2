// One decision: with one adaptive cell, or mixed from several. Source: Docs/packet-format.md section 5.6.
extension PlaneCoder {
    /// One decision with one adaptive cell.
    @inline(__always)
    mutating func decide(_ bit: Int, _ cell: UnsafeMutablePointer<UInt32>) -> Int {
        let value = cell.pointee
        let decided = coder.code(bit, probability: Cell.probability(value))
        if Coder.isDecoder && coder.isStopped { return 0 }
        cell.pointee = Cell.updated(value, bit: decided, rates: constants.rates)
        return decided
    }

    /// One decision mixed from the first `count` of `inputs`; `first` and `second` are offsets of weights.
    @inline(__always)
    mutating func mix(_ bit: Int, count: Int, weights first: Int, and second: Int) -> Int {
        let (u, v) = (weights + first, weights + second)
        var sum = Int64(u[count] &+ v[count]) &* Int64(Mixing.bias)
        for index in 0..<count {
            let input = logOdds(of: cells[inputs[index]])
            logOdds[index] = input
            sum &+= Int64(u[index] &+ v[index]) &* Int64(input)
        }
        let (probability, decided) = code(bit, sum: sum)
        if Coder.isDecoder && coder.isStopped { return 0 }
        let error = Int32(decided << 16) &- probability
        for index in 0..<count {
            let step = Mixing.step(logOdds[index], error: error)
            u[index] &+= step
            v[index] &+= step
            update(inputs[index], decided)
        }
        let step = Mixing.step(Mixing.bias, error: error)
        u[count] &+= step
        v[count] &+= step
        return decided
    }

    /// The same with one set of weights.
    @inline(__always)
    mutating func mix(_ bit: Int, count: Int, weights offset: Int) -> Int {
        let u = weights + offset
        var sum = Int64(u[count]) &* Int64(Mixing.bias)
        for index in 0..<count {
            let input = logOdds(of: cells[inputs[index]])
            logOdds[index] = input
            sum &+= Int64(u[index]) &* Int64(input)
        }
        let (probability, decided) = code(bit, sum: sum)
        if Coder.isDecoder && coder.isStopped { return 0 }
        let error = Int32(decided << 16) &- probability
        for index in 0..<count {
            u[index] &+= Mixing.step(logOdds[index], error: error)
            update(inputs[index], decided)
        }
        u[count] &+= Mixing.step(Mixing.bias, error: error)
        return decided
    }

    @inline(__always)
    private func logOdds(of cell: UInt32) -> Int32 {
        let value = Int32(constants.stretch[Int(cell >> 16)])
        return cell & 1023 < 3 ? (3 &* value) >> 3 : value
    }

    @inline(__always)
    private mutating func code(_ bit: Int, sum: Int64) -> (probability: Int32, decided: Int) {
        let limit = Int64(Logistic.limit)
        let odds = Int(min(max(sum >> 16, -limit), limit))
        let probability = UInt32(constants.squash[odds &+ Logistic.limit])
        return (Int32(bitPattern: probability), coder.code(bit, probability: probability))
    }

    @inline(__always)
    private func update(_ cell: Int, _ decided: Int) {
        cells[cell] = Cell.updated(cells[cell], bit: decided, rates: constants.rates)
    }
}

/// Constants of the mixing of cells.
enum Mixing {
    /// What the weight behind those of the inputs is multiplied by, in 1/256 nat.
    static let bias: Int32 = 77
    /// Most inputs of one decision.
    static let inputLimit = 6

    /// How far a weight moves; the error is in 1/65,536. The product stays below 2^28.
    @inline(__always)
    static func step(_ logOdds: Int32, error: Int32) -> Int32 { (logOdds &* error &+ 131_072) >> 18 }
}
