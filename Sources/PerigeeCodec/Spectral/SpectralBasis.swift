import CPerigeeKernels

/// Bases of one frame for all levels; index 0 is the low band, 1 the finest level … 9.
/// Source: Docs/packet-format.md, section 5.3.
struct SpectralBasis: Sendable {
    /// Bands, and as many components.
    let count: Int
    /// One matrix `[component][band]` for all indices, or one an index.
    private let matrices: [[Float]]

    /// A basis from one covariance for all indices, or from one an index; each `[band][band]`.
    init(count: Int, covariances: [[Double]]) {
        assert(covariances.count == 1 || covariances.count == WaveletGeometry.levelLimit + 1)
        self.count = count
        matrices = covariances.map { Jacobi.basis(of: $0, count: count) }
    }

    /// Rows are components.
    func matrix(_ index: Int) -> [Float] { matrices[matrices.count == 1 ? 0 : index] }
}

/// The matrices of one tile by wavelet level; level 0 stands for the low band. nil is the identity.
struct TileBasis: Sendable {
    private let matrices: [[Float]]
    private let transposed: [[Float]]

    /// A basis by index, turned; `indices` gives the index of each level, the low band's first.
    init(_ basis: SpectralBasis, indices: [Int], rotations: [Rotation]) {
        let count = basis.count
        var matrices = indices.map { basis.matrix($0) }
        for level in Set(rotations.map(\.level)) {
            var turned = matrices[level].map { Double($0) }
            for rotation in rotations where rotation.level == level { rotation.turn(&turned, count: count) }
            matrices[level] = turned.map { Float($0) }
        }
        self.matrices = matrices
        transposed = matrices.map { matrix in
            (0..<count * count).map { matrix[($0 % count) * count + $0 / count] }
        }
    }

    /// Rows are components.
    func matrix(_ level: Int) -> [Float] { matrices[level] }

    /// Rows are bands.
    func inverse(_ level: Int) -> [Float] { transposed[level] }
}

/// Applies bases to all sub-bands of planes in Mallat layout, in place, each tile's to the coefficients that it owns.
struct SpectralTransform {
    let geometry: WaveletGeometry
    let grid: TileGrid
    /// Added to a level to find its index: coarser sensors begin at a coarser level.
    let shift: Int
    let path: StrictPath

    init(geometry: WaveletGeometry, shift: Int, path: StrictPath) {
        self.geometry = geometry
        self.shift = shift
        self.path = path
        grid = TileGrid(rows: geometry.rows, columns: geometry.columns)
    }

    func index(ofLevel level: Int) -> Int { min(max(level + shift, 1), WaveletGeometry.levelLimit) }

    /// Index of each level, the low band's first.
    var indices: [Int] { [0] + (1..<geometry.levels + 1).map { index(ofLevel: $0) } }

    /// Bands to components; one basis a tile, nil where it is the identity.
    func forward(_ planes: inout Planes, _ bases: [TileBasis?]) {
        apply(&planes, bases) { $0.matrix($1) }
    }

    /// Components to bands.
    func inverse(_ planes: inout Planes, _ bases: [TileBasis?]) {
        apply(&planes, bases) { $0.inverse($1) }
    }

    private func apply(_ planes: inout Planes, _ bases: [TileBasis?], _ matrix: (TileBasis, Int) -> [Float]) {
        assert(bases.count == grid.count)
        let (plane, columns, count) = (planes.planeCount, planes.columns, planes.components)
        planes.values.withUnsafeMutableBufferPointer { values in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: perigee_spectral_work(count)) { work in
                for (tile, basis) in bases.enumerated() {
                    guard let basis else { continue }
                    let layout = TileLayout(grid: grid, tile: tile, levels: geometry.levels, components: count)
                    for band in layout.subbands where band.rows > 0 && band.columns > 0 {
                        let start = band.frameRow * columns + band.frameColumn
                        perigee_spectral(
                            path.code, matrix(basis, band.spectralLevel), count,
                            values.baseAddress.map { $0 + start }, plane, columns, band.rows, band.columns,
                            work.baseAddress)
                    }
                }
            }
        }
    }
}

extension Subband {
    /// The level by which a basis is found; 0 for the low band.
    var spectralLevel: Int { orientation == Orientation.low.rawValue ? 0 : level }
}
