package import PerigeeCore

/// A small picture of a frame: for eyes, not for measuring. A pure value.
package struct Quicklook: Equatable, Sendable {
    /// Pixels of its longer side, at most.
    package static let side = 96

    package let rows: Int
    package let columns: Int
    /// Names of the bands that are red, green and blue; one name where they are the same.
    package let bands: [String]
    /// `[rows][columns][3]`, red, green, blue.
    package let octets: [UInt8]

    /// Shrinks `samples` by the mean of up to 16 of each block, and stretches each colour between its 2nd and 98th percentile. Missing
    /// samples are black.
    package init(_ samples: Samples, stream: StreamDescription) {
        let step = max((max(samples.rows, samples.columns) + Self.side - 1) / Self.side, 1)
        rows = (samples.rows + step - 1) / step
        columns = (samples.columns + step - 1) / step
        let chosen = Self.colours(stream.bands)
        bands = Set(chosen).count == 1 ? [stream.bands[chosen[0]].name] : chosen.map { stream.bands[$0].name }
        var octets = [UInt8](repeating: 0, count: rows * columns * 3)
        for (colour, band) in chosen.enumerated() {
            let means = Self.means(samples, band: band, step: step, rows: rows, columns: columns, stream.nodata)
            let sorted = means.filter { !$0.isNaN }.sorted()
            guard !sorted.isEmpty else { continue }
            let low = sorted[sorted.count / 50], high = sorted[sorted.count - 1 - sorted.count / 50]
            let scale = high > low ? 254 / (high - low) : 0
            for (index, mean) in means.enumerated() where !mean.isNaN {
                // from 1, so that a dark sample is not a missing one
                octets[3 * index + colour] = UInt8(1 + min(max((mean - low) * scale, 0), 254))
            }
        }
        self.octets = octets
    }

    /// Indices of the bands nearest to red, green and blue light; the first three where wavelengths are unknown, one for all where
    /// there are fewer.
    static func colours(_ bands: [Band]) -> [Int] {
        let lights = [0.665, 0.56, 0.49]  // micrometres
        let known = bands.indices.filter { bands[$0].centerWavelength != nil && !bands[$0].isCategorical }
        if known.count >= 3 {
            let nearest = lights.map { light in
                known.min { left, right in
                    abs((bands[left].centerWavelength ?? 0) - light) < abs((bands[right].centerWavelength ?? 0) - light)
                } ?? 0
            }
            if Set(nearest).count == 3 { return nearest }
        }
        return bands.count >= 3 ? [0, 1, 2] : [0, 0, 0]
    }

    private static func means(
        _ samples: Samples, band: Int, step: Int, rows: Int, columns: Int, _ nodata: Double?
    ) -> [Double] {
        let stride = max(step / 4, 1)
        let plane = samples.rows * samples.columns
        return samples.bytes.withUnsafeBytes { bytes in
            (0..<rows * columns).map { index in
                let top = index / columns * step, left = index % columns * step
                var sum = 0.0, count = 0.0
                for row in Swift.stride(from: top, to: min(top + step, samples.rows), by: stride) {
                    for column in Swift.stride(from: left, to: min(left + step, samples.columns), by: stride) {
                        let place = band * plane + row * samples.columns + column
                        let value = Self.value(bytes, samples.type, place)
                        guard !value.isNaN, value != nodata else { continue }
                        sum += value
                        count += 1
                    }
                }
                return count > 0 ? sum / count : .nan
            }
        }
    }

    static func value(_ bytes: UnsafeRawBufferPointer, _ type: SampleType, _ index: Int) -> Double {
        let offset = index * type.size
        return switch type {
        case .uint8: Double(bytes[offset])
        case .uint16: Double(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        case .int16: Double(Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self)))
        case .int32: Double(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        case .float32:
            Double(
                Float(
                    bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
        }
    }
}
