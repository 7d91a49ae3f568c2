import PerigeeCore
import PerigeeSimulator

/// Sentinel-2 L2A in product order, as Config/sensors/sentinel-2-l2a.toml has it.
let sentinel2 = SensorProfile(
    name: "sentinel-2-l2a",
    bands: [
        ("B01", 0.4427, 60), ("B02", 0.4924, 10), ("B03", 0.5598, 10), ("B04", 0.6646, 10), ("B05", 0.7041, 20),
        ("B06", 0.7405, 20), ("B07", 0.7828, 20), ("B08", 0.8328, 10), ("B8A", 0.8647, 20), ("B09", 0.9451, 60),
        ("B11", 1.6137, 20), ("B12", 2.2024, 20),
    ].map { Band(name: $0.0, centerWavelength: $0.1, groundSamplingDistance: $0.2) },
    sampleType: .uint16, scale: 0.0001, nodata: 0, peak: 10_000)

func request(
    place: Int = 0, _ date: String = "2024-06-20T10:36:00Z", size: Int = 264, clouds: Double? = 0, seed: UInt64 = 7
) -> SceneRequest {
    SceneRequest(
        seed: seed, place: place, datetime: Timestamp(rfc3339: date) ?? Timestamp(milliseconds: 0), rows: size,
        columns: size, cloudCover: clouds)
}

extension Frame {
    /// Reflectance of one band.
    func reflectance(_ name: String) -> [Double] {
        guard let band = description.bandNames.firstIndex(of: name) else { return [] }
        let count = samples.rows * samples.columns
        return (0..<count).map { index in
            let at = (band * count + index) * 2
            return Double(UInt16(samples.bytes[at]) | UInt16(samples.bytes[at + 1]) << 8) / 10_000
        }
    }

    var ndvi: [Double] {
        zip(reflectance("B08"), reflectance("B04")).map { ($0 - $1) / ($0 + $1) }
    }
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

func correlation(_ left: [Double], _ right: [Double]) -> Double {
    let (leftMean, rightMean) = (mean(left), mean(right))
    var (product, leftSquare, rightSquare) = (0.0, 0.0, 0.0)
    for (a, b) in zip(left, right) {
        product += (a - leftMean) * (b - rightMean)
        leftSquare += (a - leftMean) * (a - leftMean)
        rightSquare += (b - rightMean) * (b - rightMean)
    }
    return product / (leftSquare * rightSquare).squareRoot()
}
