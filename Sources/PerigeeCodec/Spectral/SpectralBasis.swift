import CPerigeeKernels

/// Bases of one frame for all levels; index 0 is the low band, 1 the finest level … 9.
/// Source: Docs/packet-format.md, section 5.3.
struct SpectralBasis: Sendable {
    /// Bands, and as many components.
    let count: Int
    /// One matrix `[component][band]` for all indices, or one an index.
    private let matrices: [[Float]]
    private let transposed: [[Float]]

    /// A basis from one covariance for all indices, or from one an index; each `[band][band]`.
    init(count: Int, covariances: [[Double]]) {
        assert(covariances.count == 1 || covariances.count == WaveletGeometry.levelLimit + 1)
        self.count = count
        let matrices = covariances.map { Jacobi.basis(of: $0, count: count) }
        self.matrices = matrices
        transposed = matrices.map { matrix in
            (0..<count * count).map { matrix[($0 % count) * count + $0 / count] }
        }
    }

    /// Rows are components.
    func matrix(_ index: Int) -> [Float] { matrices[matrices.count == 1 ? 0 : index] }

    /// Rows are bands.
    func inverse(_ index: Int) -> [Float] { transposed[transposed.count == 1 ? 0 : index] }
}

/// Applies a basis to all sub-bands of planes in Mallat layout, in place.
struct SpectralTransform {
    let geometry: WaveletGeometry
    /// Added to a level to find its index: coarser sensors begin at a coarser level.
    let shift: Int
    let path: StrictPath

    func index(ofLevel level: Int) -> Int { min(max(level + shift, 1), WaveletGeometry.levelLimit) }

    func forward(_ planes: inout Planes, _ basis: SpectralBasis) { apply(&planes, basis.count, basis.matrix) }

    func inverse(_ planes: inout Planes, _ basis: SpectralBasis) { apply(&planes, basis.count, basis.inverse) }

    private func apply(_ planes: inout Planes, _ count: Int, _ matrix: (Int) -> [Float]) {
        assert(planes.components == count)
        let (plane, columns) = (planes.planeCount, planes.columns)
        planes.values.withUnsafeMutableBufferPointer { values in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: perigee_spectral_work(count)) { work in
                for subband in geometry.subbands where !subband.rows.isEmpty && !subband.columns.isEmpty {
                    let start = subband.rows.lowerBound * columns + subband.columns.lowerBound
                    let index = subband.orientation == .low ? 0 : index(ofLevel: subband.level)
                    perigee_spectral(
                        path.code, matrix(index), count, values.baseAddress.map { $0 + start }, plane, columns,
                        subband.rows.count, subband.columns.count, work.baseAddress)
                }
            }
        }
    }
}
