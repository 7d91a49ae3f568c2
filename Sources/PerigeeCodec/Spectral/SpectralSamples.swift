import CBLAS

/// Band coefficients of one tile at every level, or some of them: what its basis is judged by. Encoder only.
struct SpectralSamples {
    struct Level {
        /// 1 is the finest.
        let level: Int
        /// Coefficients of a band that the tile has, and how many of them are here.
        let coefficients: Int
        let count: Int
        /// `[band][count]`.
        var values: [Float]
    }

    let bands: Int
    var levels: [Level] = []

    /// Positions of a level that are looked at, at most about: those of a frame of one tile, and of one of several.
    private static let limits = (alone: 16_384, among: 4_096)

    init(_ planes: Planes, transform: SpectralTransform, tile: Int) {
        bands = planes.components
        let layout = TileLayout(
            grid: transform.grid, tile: tile, levels: transform.geometry.levels, components: bands)
        let limit = transform.grid.count == 1 ? Self.limits.alone : Self.limits.among
        for level in 1..<transform.geometry.levels + 1 {
            let parts = layout.subbands.filter { $0.spectralLevel == level && $0.rows > 0 && $0.columns > 0 }
            let size = parts.reduce(0) { $0 + $1.rows * $1.columns }
            guard size > 0 else { continue }
            let step = max(1, size / limit)
            let count = parts.reduce(0) { $0 + ($1.rows + step - 1) / step * $1.columns }
            var values: [Float] = []
            values.reserveCapacity(bands * count)
            for band in 0..<bands {
                for part in parts {
                    for row in stride(from: 0, to: part.rows, by: step) {
                        let start = ((band * planes.rows + part.frameRow + row) * planes.columns) + part.frameColumn
                        values += planes.values[start..<start + part.columns]
                    }
                }
            }
            levels.append(Level(level: level, coefficients: size, count: count, values: values))
        }
    }

    /// Second moments of every level, as `SpectralAnalysis` wants them.
    func analysis(_ transform: SpectralTransform) -> SpectralAnalysis {
        SpectralAnalysis(
            count: bands,
            levels: levels.map { level in
                let moments = Self.moments(level.values, bands: bands, count: level.count)
                return SpectralAnalysis.Level(
                    coefficients: level.coefficients, index: transform.index(ofLevel: level.level),
                    covariance: moments.map { $0 / Double(level.count) })
            })
    }

    /// Bands to components, inexactly.
    mutating func transform(_ basis: SpectralBasis, _ transform: SpectralTransform) {
        let size = Int32(bands)
        for index in levels.indices {
            let count = Int32(levels[index].count)
            let matrix = basis.matrix(transform.index(ofLevel: levels[index].level))
            var result = [Float](repeating: 0, count: levels[index].values.count)
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, size, count, size, 1, matrix, size, levels[index].values,
                count, 0, &result, count)
            levels[index].values = result
        }
    }

    /// Sums of products `[band][band]`.
    static func moments(_ values: [Float], bands: Int, count: Int) -> [Double] {
        var sums = [Float](repeating: 0, count: bands * bands)
        cblas_ssyrk(
            CblasRowMajor, CblasUpper, CblasNoTrans, Int32(bands), Int32(count), 1, values, Int32(count), 0, &sums,
            Int32(bands))
        return (0..<bands * bands).map { index in
            let (i, j) = (index / bands, index % bands)
            return Double(sums[min(i, j) * bands + max(i, j)])
        }
    }
}
