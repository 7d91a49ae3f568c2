import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

/// The same ground on two days, DN of uint16: other light and noise, and on the second day something new in one corner.
/// Holes are 0, elsewhere on each day.
func visits(
    bands: Int, rows: Int, columns: Int, seed: UInt64, hasHoles: Bool = false
) throws -> (old: Samples, new: Samples) {
    var generator = SeededGenerator(seed: seed)
    var (old, new): ([UInt16], [UInt16]) = ([], [])
    let texture = (0..<rows * columns).map { _ in Int.random(in: -700...700, using: &generator) }
    for band in 0..<bands {
        for row in 0..<rows {
            for column in 0..<columns {
                let wave = (row * 5 + column * 3 + band * 11) % 89
                let ground = 2_000 + 150 * band + 12 * wave + texture[row * columns + column] * (band + 2) / 3
                let isNew = row >= rows / 2 && column < columns / 3
                let today = isNew ? 3_500 + Int.random(in: -60...60, using: &generator) : ground * 17 / 16
                old.append(UInt16(ground + Int.random(in: -8...8, using: &generator)))
                new.append(UInt16(today + Int.random(in: -8...8, using: &generator)))
                guard hasHoles else { continue }
                if (row / 3 + column / 5) % 7 == 0 { old[old.count - 1] = 0 }
                if (row / 4 + column / 3 + band) % 9 == 0 { new[new.count - 1] = 0 }
            }
        }
    }
    return (
        try Samples(type: .uint16, bands: bands, rows: rows, columns: columns, bytes: octets(old)),
        try Samples(type: .uint16, bands: bands, rows: rows, columns: columns, bytes: octets(new))
    )
}

/// A stream with both ends of the codec, and what it has seen before.
struct HistoryPair {
    let stream: StreamDescription
    let encoder: FrameEncoder
    let decoder: FrameDecoder
    let old: Samples
    let new: Samples
    let reference: FrameReference

    init(bands count: Int, rows: Int, columns: Int, seed: UInt64, hasHoles: Bool = false, lanes: Int = 1) throws {
        stream = try PerigeeCodecTests.stream(
            bands: bands(count), rows: rows, columns: columns, nodata: hasHoles ? 0 : nil)
        encoder = try FrameEncoder(model: model(), stream: stream, lanes: lanes)
        decoder = try FrameDecoder(model: model(), stream: stream, lanes: lanes)
        (old, new) = try visits(bands: count, rows: rows, columns: columns, seed: seed, hasHoles: hasHoles)
        reference = try FrameReference(
            [.init(samples: old, stream: stream, row: 0, column: 0)], of: stream, model: model())
    }

    /// Layers without a reference, cut to so many octets.
    static func prefix(_ layers: [[UInt8]], _ size: Int) -> [ArraySlice<UInt8>] {
        var (rest, cut) = (size, [ArraySlice<UInt8>]())
        for layer in layers {
            cut.append(layer.prefix(max(rest, 0)))
            rest -= layer.count
        }
        return cut
    }

    /// Mean squared error over the samples that are valid in the original.
    func error(_ decoded: Samples) -> Double {
        let pairs = zip(numbers(new), numbers(decoded)).filter { $0.0 != stream.nodata }
        return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(max(pairs.count, 1))
    }
}

/// A prediction that says any of the things that a tile can.
func randomPrediction(
    tileRows: Int, tileColumns: Int, levels: Int, components: Int, using generator: inout SeededGenerator
) -> TilePrediction? {
    guard Int.random(in: 0..<8, using: &generator) > 0 else { return nil }
    var prediction = TilePrediction()
    prediction.profile = Int.random(in: 0..<8, using: &generator)
    if Bool.random(using: &generator) {
        // only what the tile has: levels up to its own, classes of its components
        let classes = [1, 2, 3, 4, 4, 5, 5, 5][min(components - 1, 7)]
        prediction.quarters = (0..<60).map { index in
            index / 6 <= levels && index % 6 < classes ? UInt8.random(in: 0...4, using: &generator) : 0
        }
    }
    if Bool.random(using: &generator) {
        var map = TilePrediction.BlockMap(
            sizeIndex: Int.random(in: 0..<4, using: &generator), tileRows: tileRows, tileColumns: tileColumns)
        for index in map.isOn.indices { map.isOn[index] = Bool.random(using: &generator) }
        prediction.map = map
    }
    if Bool.random(using: &generator) {
        prediction.offset = .init(
            row: Int.random(in: -2...2, using: &generator), column: Int.random(in: -2...2, using: &generator))
    }
    return prediction
}
