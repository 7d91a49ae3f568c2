import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

/// A small spectral model: smooth covariances over five wavelengths, one set with strong and one with weak correlation.
func sampleTensors() -> [String: Tensor] {
    let wavelengths = [0.45, 0.56, 0.66, 0.84, 1.61]
    let count = wavelengths.count
    var covariance: [Double] = []
    for set in 0..<2 {
        for index in 0..<10 {
            for i in 0..<count {
                for j in 0..<count {
                    let distance = (wavelengths[i] - wavelengths[j]).magnitude
                    let scale = Double(set + 1) * (0.2 + 0.05 * Double(index))
                    covariance.append((1 + 0.1 * Double(min(i, j))) / (1 + distance / scale) / Double(count))
                }
            }
        }
    }
    return [
        "spectral/wavelengths": Tensor(shape: [count], values: .float64(wavelengths)),
        "spectral/mean": Tensor(shape: [count], values: .float64([1300.5, 1200.25, 1100, 2300.125, 2000])),
        "spectral/covariance": Tensor(shape: [2, 10, count, count], values: .float64(covariance)),
    ]
}

func sampleModel() throws -> SpectralModel { try SpectralModel(tensors: sampleTensors()) }

/// A stream of a sensor that is spelled out.
func stream(
    bands: [Band], rows: Int, columns: Int, type: SampleType = .uint16, peak: Double = 10_000, nodata: Double? = nil,
    scale: Double = 1, offset: Double = 0, scaling: StreamDeclaration.Scaling? = nil
) throws -> StreamDescription {
    let profile = SensorProfile(
        name: "test", bands: bands, sampleType: type, scale: scale, offset: offset, nodata: nodata, peak: peak)
    var declaration = StreamDeclaration(firmware: 1, profile: .inline(profile), rows: rows, columns: columns)
    declaration.scaling = scaling
    return try StreamDescription(declaration, profiles: [])
}

/// Bands at and between the wavelengths of `sampleTensors`.
let sampleBands = [
    Band(name: "blue", centerWavelength: 0.45, groundSamplingDistance: 10),
    Band(name: "green", centerWavelength: 0.56, groundSamplingDistance: 10),
    Band(name: "edge", centerWavelength: 0.72, groundSamplingDistance: 20),
    Band(name: "swir", centerWavelength: 1.61, groundSamplingDistance: 20),
]

/// Octets of integer or float samples.
func octets<Value>(_ values: [Value]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

/// Smooth scenery with noise, uint16.
func scenery(bands: Int, rows: Int, columns: Int, seed: UInt64) throws -> Samples {
    var generator = SeededGenerator(seed: seed)
    var values: [UInt16] = []
    for band in 0..<bands {
        for row in 0..<rows {
            for column in 0..<columns {
                let wave = (row * 7 + column * 3 + band * 11) % 97
                values.append(UInt16(800 + 300 * band + 25 * wave + Int.random(in: 0..<60, using: &generator)))
            }
        }
    }
    return try Samples(type: .uint16, bands: bands, rows: rows, columns: columns, bytes: octets(values))
}

/// Random numbers in planes.
func noise(components: Int, rows: Int, columns: Int, seed: UInt64) -> Planes {
    var generator = SeededGenerator(seed: seed)
    var planes = Planes(components: components, rows: rows, columns: columns)
    for index in planes.values.indices { planes.values[index] = Float.random(in: -5_000..<5_000, using: &generator) }
    return planes
}

/// Bit patterns, so that comparison is exact and NaN equals itself.
func bits(_ planes: Planes) -> [UInt32] { planes.values.map(\.bitPattern) }
