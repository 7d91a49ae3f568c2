import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

/// Coefficients as a transform gives them: few large ones at coarse levels, neighbours alike, later components smaller.
func coefficients(components: Int, rows: Int, columns: Int, seed: UInt64, amplitude: Double = 2_000) -> [Int32] {
    var generator = SeededGenerator(seed: seed)
    let levels = WaveletGeometry(rows: rows, columns: columns)
    var values = [Int32](repeating: 0, count: components * rows * columns)
    for component in 0..<components {
        for band in levels.subbands {
            var activity = 1.0
            for row in band.rows {
                for column in band.columns {
                    activity = 0.9 * activity + 0.2 * Double.random(in: 0..<1, using: &generator)
                    let size = amplitude * activity * Double(1 << band.level) / 32 / Double(component + 1)
                    let uniform = Double.random(in: 0.0001..<1, using: &generator)
                    let value = -size * uniform.squareRoot() * (1 - uniform) * (1 - uniform)
                    values[(component * rows + row) * columns + column] =
                        Int32(value.rounded(.towardZero)) * (Bool.random(using: &generator) ? 1 : -1)
                }
            }
        }
    }
    return values
}

/// A frame's shape and the coder's two ends for it.
struct TokenPair {
    let encoder: TokenEncoder
    let decoder: TokenDecoder
    let validity: Validity

    init(components: Int, rows: Int, columns: Int, lanes: Int = 1, tables: ContextTables = .untrained) {
        let levels = WaveletGeometry(rows: rows, columns: columns).levels
        encoder = TokenEncoder(
            rows: rows, columns: columns, levels: levels, components: components, tables: tables, lanes: lanes)
        decoder = TokenDecoder(
            rows: rows, columns: columns, levels: levels, components: components, tables: tables, lanes: lanes)
        validity = Validity(allValid: components, rows: rows, columns: columns)
    }

    /// The intervals that these layers leave.
    func intervals(_ layers: [[UInt8]], hasMask: Bool = false) throws -> (lower: [Int32], width: [Int32]) {
        let tiles = try decoder.tileOctets(layers.map { $0[...] }).streams
        let known = decoder.intervals(tiles, hasMask: hasMask)
        return (known.lower, known.width)
    }
}

/// Whether a coefficient lies in its interval.
func holds(_ value: Int32, lower: Int32, width: Int32) -> Bool {
    if lower < 0, lower + width > 0 { return value > lower && value < lower + width }
    return lower < 0 ? value > lower && value <= lower + width : value >= lower && value < lower + width
}
