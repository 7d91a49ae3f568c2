package import PerigeeCore

/// Trained covariances of bands by wavelength, in sets of one a level; a frame's bases are made from them.
/// Source: Docs/packet-format.md, section 5.3.
package struct SpectralModel: Sendable {
    package static let bandLimit = 64
    package static let setLimit = 14
    static let indices = WaveletGeometry.levelLimit + 1

    /// Micrometres, rising.
    package let wavelengths: [Double]
    /// Values of each wavelength that are taken off before the transform; 10,000 is the peak.
    package let means: [Double]
    /// Count of sets.
    package let sets: Int
    /// `[sets][10][wavelengths][wavelengths]`; index 0 is the low band, 1 the finest level.
    package let covariances: [Double]
    /// What coding saves of the estimate by which an encoder chooses rotations, in bits for each nat; 0: it chooses none,
    /// and one set for all tiles. Decoders have no use for it.
    package let rotationEfficiency: Double

    /// Reads `spectral/wavelengths`, `spectral/mean`, `spectral/covariance` and, where it is there,
    /// `spectral/rotation_efficiency`; refuses other shapes, types and values.
    package init(tensors: [String: Tensor]) throws(CodecError) {
        wavelengths = try Self.read("spectral/wavelengths", tensors, rank: 1)
        means = try Self.read("spectral/mean", tensors, rank: 1)
        covariances = try Self.read("spectral/covariance", tensors, rank: 4)
        rotationEfficiency =
            tensors["spectral/rotation_efficiency"] == nil
            ? 0 : try Self.read("spectral/rotation_efficiency", tensors, rank: 1).first ?? 0
        let count = wavelengths.count
        guard count >= 1, count <= Self.bandLimit else {
            throw .outOfRange(field: "spectral/wavelengths count", value: count, limit: Self.bandLimit)
        }
        guard zip(wavelengths, wavelengths.dropFirst()).allSatisfy({ $0 < $1 }), wavelengths[0] > 0 else {
            throw .unusable(field: "spectral/wavelengths", found: "not rising", expected: "rising micrometres above 0")
        }
        guard means.count == count, means.allSatisfy({ $0.magnitude <= 0x1p20 }) else {
            throw .mismatch(
                field: "spectral/mean", found: "\(means.count) numbers",
                expected: "\(count) numbers of at most 2^20")
        }
        let shape = tensors["spectral/covariance"]?.shape ?? []
        sets = shape.first ?? 0
        guard sets >= 1, sets <= Self.setLimit else {
            throw .outOfRange(field: "spectral/covariance sets", value: sets, limit: Self.setLimit)
        }
        guard shape == [sets, Self.indices, count, count] else {
            throw .mismatch(
                field: "spectral/covariance shape", found: "\(shape)", expected: "\([sets, Self.indices, count, count])"
            )
        }
        for matrix in 0..<sets * Self.indices {
            for band in 0..<count where covariances[matrix * count * count + band * (count + 1)] < 0 {
                throw .unusable(
                    field: "spectral/covariance of set \(matrix / Self.indices), index \(matrix % Self.indices)",
                    found: "a negative variance", expected: "variances of 0 or more")
            }
        }
    }

    private static func read(
        _ name: String, _ tensors: [String: Tensor], rank: Int
    ) throws(CodecError) -> [Double] {
        guard let tensor = tensors[name] else {
            throw .unusable(field: "firmware tensor \(name)", found: "absent", expected: "float64 of rank \(rank)")
        }
        guard case .float64(let values) = tensor.values, tensor.shape.count == rank else {
            throw .unusable(
                field: "firmware tensor \(name)", found: "another type or rank \(tensor.shape.count)",
                expected: "float64 of rank \(rank)")
        }
        // the product may only be formed where it cannot overflow: dimensions beyond 1,024 are refused by it
        guard tensor.shape.allSatisfy({ (0...1_024).contains($0) }), tensor.shape.reduce(1, *) == values.count else {
            throw .mismatch(
                field: "firmware tensor \(name)", found: "\(values.count) numbers", expected: "\(tensor.shape)")
        }
        guard values.allSatisfy({ $0.isFinite && $0.magnitude <= 0x1p40 }) else {
            throw .unusable(
                field: "firmware tensor \(name)", found: "a number beyond 2^40", expected: "smaller numbers")
        }
        return values
    }
}
