/// One sub-band of a frame: a rectangle of its coefficients, which may be empty.
package struct FrameSubband: Equatable, Sendable {
    /// 1 is the finest; the low band has the coarsest one's.
    package let level: Int
    package let orientation: Orientation
    package let rows: Range<Int>
    package let columns: Range<Int>
}

/// Where the sub-bands of a plane lie. Source: Docs/packet-format.md, section 5.2.
package struct WaveletGeometry: Equatable, Sendable {
    package static let levelLimit = 9

    package let rows: Int
    package let columns: Int
    /// Decomposition levels, 0 for a single sample.
    package let levels: Int

    /// Geometry of a plane of at least one sample.
    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        var side = max(rows, columns)
        var levels = 0
        while side > 1, levels < Self.levelLimit {
            side = (side + 1) / 2
            levels += 1
        }
        self.levels = levels
    }

    /// Sides of the low region after `level` halvings.
    package func size(at level: Int) -> (rows: Int, columns: Int) {
        // halving rounded up, `level` times over, is one rounded-up division by 2^level
        ((rows + (1 << level) - 1) >> level, (columns + (1 << level) - 1) >> level)
    }

    /// The low band.
    package var low: FrameSubband {
        let size = size(at: levels)
        return FrameSubband(level: levels, orientation: .low, rows: 0..<size.rows, columns: 0..<size.columns)
    }

    /// HL, LH and HH of a level from 1 to `levels`.
    package func subbands(of level: Int) -> [FrameSubband] {
        let outer = size(at: level - 1)
        let inner = size(at: level)
        let low = (rows: 0..<inner.rows, columns: 0..<inner.columns)
        let high = (rows: inner.rows..<outer.rows, columns: inner.columns..<outer.columns)
        return [
            FrameSubband(level: level, orientation: .horizontal, rows: low.rows, columns: high.columns),
            FrameSubband(level: level, orientation: .vertical, rows: high.rows, columns: low.columns),
            FrameSubband(level: level, orientation: .diagonal, rows: high.rows, columns: high.columns),
        ]
    }

    /// The low band, then the sub-bands from coarse to fine.
    package var subbands: [FrameSubband] {
        [low] + stride(from: levels, to: 0, by: -1).flatMap { subbands(of: $0) }
    }
}
