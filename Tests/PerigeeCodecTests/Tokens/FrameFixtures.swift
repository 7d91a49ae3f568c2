import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

func model(_ tables: ContextTables? = nil) throws -> CodecModel {
    var tensors = sampleTensors()
    if let tables { tensors.merge(tables.tensors()) { _, new in new } }
    return try CodecModel(tensors: tensors)
}

/// What the samples of a test frame look like.
enum Pattern: CaseIterable {
    case scenery, noise, constant, extremes, holes, holesByBand, allMissing
}

/// Samples of any type and a nodata value that the patterns with holes use.
func samples(
    _ pattern: Pattern, type: SampleType, bands: Int, rows: Int, columns: Int, seed: UInt64
) throws -> (samples: Samples, nodata: Double?) {
    var generator = SeededGenerator(seed: seed)
    let range = type == .float32 ? -3.0...3.0 : max(type.range.lowerBound, -9_000)...min(type.range.upperBound, 9_000)
    let span = range.upperBound - range.lowerBound
    let nodata = type == .float32 ? Double.nan : type.range.lowerBound
    var values: [Double] = []
    for band in 0..<bands {
        for row in 0..<rows {
            for column in 0..<columns {
                let wave = Double((row * 5 + column * 3 + band * 17) % 61) / 61
                var value =
                    range.lowerBound + span * (0.2 + 0.5 * wave + 0.05 * Double.random(in: 0..<1, using: &generator))
                switch pattern {
                case .scenery: break
                case .noise: value = Double.random(in: range, using: &generator)
                case .constant: value = range.lowerBound + span / 4
                case .extremes:
                    let bounds = type == .float32 ? range : type.range
                    value = Bool.random(using: &generator) ? bounds.lowerBound + 1 : bounds.upperBound
                case .holes: if (row / 3 + column / 4) % 5 == 0 { value = nodata }
                case .holesByBand: if (row / 3 + column / 4 + band) % 4 == 0 { value = nodata }
                case .allMissing: value = nodata
                }
                values.append(value)
            }
        }
    }
    let bytes: [UInt8] =
        switch type {
        case .uint8: octets(values.map { UInt8($0.rounded()) })
        case .uint16: octets(values.map { UInt16($0.rounded()) })
        case .int16: octets(values.map { Int16($0.rounded()) })
        case .int32: octets(values.map { Int32($0.rounded()) })
        case .float32: octets(values.map { Float($0) })
        }
    let hasHoles = pattern == .holes || pattern == .holesByBand || pattern == .allMissing
    return (
        try Samples(type: type, bands: bands, rows: rows, columns: columns, bytes: bytes),
        hasHoles && type != .float32 ? nodata : nil
    )
}

/// The samples as numbers.
func numbers(_ samples: Samples) -> [Double] {
    samples.bytes.withUnsafeBytes { bytes in
        (0..<samples.bytes.count / samples.type.size).map { index in
            let offset = index * samples.type.size
            return switch samples.type {
            case .uint8: Double(bytes[offset])
            case .uint16: Double(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            case .int16: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self))
            case .int32: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
            case .float32: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
            }
        }
    }
}

/// Bands without, with some and with all wavelengths that the model knows.
func bands(_ count: Int) -> [Band] {
    (0..<count).map { index in
        index < sampleBands.count ? sampleBands[index] : Band(name: "extra\(index)")
    }
}

/// Mean squared error over the samples that are valid in `original`.
func meanSquaredError(_ original: Samples, _ other: Samples) -> Double {
    let pairs = zip(numbers(original), numbers(other)).filter { !$0.0.isNaN && !$0.1.isNaN }
    return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(max(pairs.count, 1))
}

/// Fields of soil and leaves in whatever share, with the red edge where it belongs: DN of 10,000 a unit of reflectance, the
/// bands with wavelengths. Holes are 0.
func landscape(
    _ bands: [Band], rows: Int, columns: Int, hasHoles: Bool, seed: UInt64 = 11
) throws -> Samples {
    var generator = SeededGenerator(seed: seed)
    var values: [UInt16] = []
    for band in bands {
        let wavelength = band.centerWavelength ?? 1
        let soil = 800 + 1_900 * min(wavelength, 1.6)
        let leaves = wavelength < 0.7 ? 350 + 250 * (wavelength > 0.52 && wavelength < 0.6 ? 1 : 0) : 4_200 / wavelength
        for row in 0..<rows {
            for column in 0..<columns {
                let field = Double((row / 6 * 37 + column / 9 * 101) % 17) / 16
                let light = 0.8 + 0.4 * Double((row * 3 + column) % 97) / 97
                let noise = Double.random(in: -25...25, using: &generator)
                let isHole = hasHoles && (row + column / 7) % 11 == 0
                let share = field * leaves + (1 - field) * soil
                values.append(isHole ? 0 : UInt16((share * light + noise).rounded()))
            }
        }
    }
    return try Samples(type: .uint16, bands: bands.count, rows: rows, columns: columns, bytes: octets(values))
}

/// The octets of a window of samples.
func crop(_ samples: Samples, _ window: FrameWindow) -> [UInt8] {
    (0..<samples.bands).flatMap { band in
        (window.y..<window.y + window.height).flatMap { row in
            let start = ((band * samples.rows + row) * samples.columns + window.x) * samples.type.size
            return Array(samples.bytes[start..<start + window.width * samples.type.size])
        }
    }
}
