/// Log-quantised magnitudes of neighbourhoods. Source: Docs/packet-format.md section 5.7.
enum EnergyScale {
    /// Least value of each of the 40 steps; about four steps an octave.
    static let bounds: [Int] = [
        0, 1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26, 31, 38, 46, 55, 66, 79, 95, 114, 136, 162, 194, 231, 276, 328, 391,
        466, 555, 660, 786, 936, 1_113, 1_324, 1_576, 1_875, 2_230, 2_652, 3_155,
    ]

    /// Step of each value below 8,192.
    static let steps: [UInt8] = {
        var steps: [UInt8] = []
        for value in 0..<8_192 {
            var step = bounds.count - 1
            while bounds[step] > value { step -= 1 }
            steps.append(UInt8(step))
        }
        return steps
    }()
}
