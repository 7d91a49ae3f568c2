/// A guess of what each tile will take of a frame's budget, so that tiles are coded about as far as they will be sent. Only
/// speed depends on it: a tile that was coded too short is coded again.
struct TileShares {
    /// Octets that one coefficient costs that is significant where a frame is cut, all decisions of its tile included.
    private static let octetsPerCoefficient = 0.6

    /// Counts of coefficients by bit length of their magnitude, of one tile.
    static func histogram(
        _ coefficients: FrameCoefficients, _ layout: TileLayout, rows: Int, columns: Int
    ) -> [Int] {
        var counts = [Int](repeating: 0, count: 33)
        counts.withUnsafeMutableBufferPointer { counts in
            for component in 0..<layout.components {
                for band in layout.subbands {
                    for row in 0..<band.rows {
                        let start = (component * rows + band.frameRow + row) * columns + band.frameColumn
                        for index in start..<start + band.columns {
                            counts[32 - coefficients.magnitude(index).leadingZeroBitCount] += 1
                        }
                    }
                }
            }
        }
        return counts
    }

    /// Octets up to which each tile is worth coding, for a budget of the whole frame.
    static func limits(_ histograms: [[Int]], budget: Int) -> [Int] {
        var significant = histograms.map { _ in 0 }
        var sum = 0
        for length in stride(from: 32, to: 0, by: -1) {
            for tile in histograms.indices { significant[tile] += histograms[tile][length] }
            sum = significant.reduce(0, +)
            if Double(sum) * octetsPerCoefficient >= Double(budget) { break }
        }
        let even = budget / histograms.count
        return significant.map { count in
            let share = Int(Double(budget) * Double(count) / Double(max(sum, 1)))
            return min(budget, share + share / 8 + even / 8 + 256)
        }
    }
}
