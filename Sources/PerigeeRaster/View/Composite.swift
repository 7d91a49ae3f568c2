public import PerigeeCore

/// An 8-bit view of three bands. One stretch may serve several frames, so that they can be compared by eye.
public struct Composite: Equatable, Sendable {
    /// Indices of the bands shown as red, green and blue; one may stand three times.
    public let bands: [Int]
    /// Samples shown as black and as white, one of each for every channel.
    public let low: [Double]
    public let high: [Double]

    /// Fits a stretch to a frame: the 1st to the 99th percentile of the valid samples of each channel. Bands that the frame
    /// does not have are replaced by its first.
    public init(fitting samples: Samples, bands: [Int], nodata: Double?) {
        let chosen = (0..<3).map { bands.indices.contains($0) && bands[$0] < samples.bands ? max(bands[$0], 0) : 0 }
        var (low, high): ([Double], [Double]) = ([], [])
        for band in chosen {
            let values = samples.values(ofBand: band).filter { $0.isFinite && $0 != nodata }.sorted()
            let last = Double(values.count - 1)
            low.append(values.isEmpty ? 0 : values[Int((0.01 * last).rounded())])
            high.append(values.isEmpty ? 1 : values[Int((0.99 * last).rounded())])
        }
        (self.bands, self.low, self.high) = (chosen, low, high)
    }

    /// The view of a frame of the same bands; missing samples are a dark blue.
    public func image(of samples: Samples, nodata: Double?) -> Image {
        var image = Image(rows: samples.rows, columns: samples.columns, gray: 0)
        let count = samples.rows * samples.columns
        var isMissing = [Bool](repeating: false, count: count)
        for (channel, band) in bands.enumerated() {
            let values = samples.values(ofBand: min(band, samples.bands - 1))
            let span = max(high[channel] - low[channel], .leastNormalMagnitude)
            for index in 0..<count {
                let value = values[index]
                if !value.isFinite || value == nodata {
                    isMissing[index] = true
                } else {
                    let level = min(max((value - low[channel]) / span, 0), 1)
                    image.planes[channel * count + index] = UInt8((level * 255).rounded())
                }
            }
        }
        for index in 0..<count where isMissing[index] {
            (image.planes[index], image.planes[count + index], image.planes[2 * count + index]) = (16, 16, 48)
        }
        return image
    }
}

extension Samples {
    /// Samples of one band as doubles, exact for every type.
    fileprivate func values(ofBand band: Int) -> [Double] {
        let count = rows * columns
        return bytes.withUnsafeBytes { octets in
            (0..<count).map { index in
                let offset = (band * count + index) * type.size
                return switch type {
                case .uint8: Double(octets[offset])
                case .uint16: Double(octets.loadUnaligned(fromByteOffset: offset, as: UInt16.self).littleEndian)
                case .int16: Double(octets.loadUnaligned(fromByteOffset: offset, as: Int16.self).littleEndian)
                case .int32: Double(octets.loadUnaligned(fromByteOffset: offset, as: Int32.self).littleEndian)
                case .float32:
                    Double(
                        Float(
                            bitPattern: octets.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian))
                }
            }
        }
    }
}
