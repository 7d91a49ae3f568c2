import PerigeeCodec
import PerigeeCore
public import PerigeeFirmware

extension SelfTest {
    /// Frames for a bundle: one within a budget and one brought back without loss, of its first sensor with whole samples.
    public static func make(_ bundle: FirmwareBundle) throws(RolloutError) -> SelfTest {
        let profile = bundle.profiles.first { profile in
            [.uint8, .uint16, .int16].contains(profile.sampleType) && !profile.bands.contains(where: \.isCategorical)
        }
        guard let profile else { throw .untestable }
        let model = try SelfTestCodec.model(bundle)
        var frames: [Frame] = []
        for (rows, columns, isLossless) in [(72, 56, false), (24, 17, true)] {
            let index = frames.count
            let codec = try SelfTestCodec(
                profile: profile.name, rows: rows, columns: columns, index: index, bundle, model)
            let samples = try scene(profile, rows: rows, columns: columns, index: index)
            let size = samples.bytes.count
            let layers = try codec.encode(samples, budgets: [size / 60, size / 12], isLossless: isLossless)
            let decoded = try codec.decode(layers)
            frames.append(
                Frame(
                    profile: profile.name, rows: rows, columns: columns, isLossless: isLossless, layers: layers,
                    digest: SHA256.digest(decoded.bytes),
                    error: try codec.errorAfterEncoding(decoded, like: layers, isLossless: isLossless)))
        }
        return SelfTest(frames: frames)
    }

    /// Fields with straight borders, a slope and some noise, by whole numbers alone: the same everywhere.
    private static func scene(
        _ profile: SensorProfile, rows: Int, columns: Int, index: Int
    ) throws(RolloutError) -> Samples {
        let (count, size) = (profile.bands.count, profile.sampleType.size)
        let top = min(profile.peak, profile.sampleType.range.upperBound)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * rows * columns * size)
        var noise: UInt32 = 1
        for band in 0..<count {
            for row in 0..<rows {
                for column in 0..<columns {
                    noise = noise &* 1_664_525 &+ 1_013_904_223
                    let field = (row / 9 &* 5 + column / 13 &* 7 + band) % 11
                    let share = 100 + 40 * field + 3 * band + row + 2 * column + Int(noise >> 28)
                    let value = Int(top) * min(share, 900) / 1_000
                    for octet in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * octet))) }
                }
            }
        }
        do throws(FormatError) {
            return try Samples(
                type: profile.sampleType, bands: count, rows: rows, columns: columns, bytes: bytes)
        } catch { throw .codec(frame: index, .format(error)) }
    }
}
