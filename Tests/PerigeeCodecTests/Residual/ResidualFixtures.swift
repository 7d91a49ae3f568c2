import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

/// Greatest difference of a valid sample in each band; nil where a mask differs or a valid sample became nodata.
func greatestErrors(_ original: Samples, _ decoded: Samples, nodata: Double?) -> [Double]? {
    let size = original.rows * original.columns
    var errors = [Double](repeating: 0, count: original.bands)
    for (index, (before, after)) in zip(numbers(original), numbers(decoded)).enumerated() {
        let isMissing = before.isNaN || before == nodata
        guard isMissing == (after.isNaN || after == nodata) else { return nil }
        if !isMissing { errors[index / size] = max(errors[index / size], (before - after).magnitude) }
    }
    return errors
}

/// A frame of a pattern with its stream.
struct ResidualCase {
    let original: Samples
    let nodata: Double?
    let stream: StreamDescription

    init(_ pattern: Pattern, type: SampleType, bands count: Int, rows: Int, columns: Int, seed: UInt64) throws {
        (original, nodata) = try samples(
            pattern, type: type, bands: count, rows: rows, columns: columns, seed: seed)
        let peak = type == .uint8 ? 255.0 : (type == .float32 ? 3 : 10_000)
        stream = try PerigeeCodecTests.stream(
            bands: bands(count), rows: rows, columns: columns, type: type, peak: peak, nodata: nodata)
    }

    func encode(_ budgets: [Int], _ bound: ErrorBound, lanes: Int = 1) throws -> EncodedFrame {
        try FrameEncoder(model: model(), stream: stream, lanes: lanes).encode(original, budgets: budgets, bound: bound)
    }

    func decoder(lanes: Int = 1) throws -> FrameDecoder {
        try FrameDecoder(model: model(), stream: stream, lanes: lanes)
    }
}
