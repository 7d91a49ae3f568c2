import CPerigeeKernels

/// Coefficients of a window and what lies beside it, by `WindowGeometry`.
package struct WindowPlanes: Sendable {
    package let geometry: WindowGeometry
    /// `geometry.count` numbers.
    package var values: [Float]

    /// Coefficients that are all zero.
    package init(_ geometry: WindowGeometry) {
        self.geometry = geometry
        values = [Float](repeating: 0, count: geometry.count)
    }

    /// Takes what the window needs of a whole frame's coefficients; the room beside it holds `filler`.
    package init(_ geometry: WindowGeometry, of frame: Planes, filler: Float) {
        self.geometry = geometry
        values = [Float](repeating: filler, count: geometry.count)
        for component in 0..<geometry.components { take(frame, component, as: component) }
    }

    /// Takes what the window needs of one plane of a frame's coefficients as those of `component`.
    mutating func take(_ frame: Planes, _ plane: Int, as component: Int) {
        for (block, orientation) in geometry.subbands {
            let (rows, columns) = block.needed(orientation)
            guard !columns.isEmpty else { continue }
            let origin = geometry.origin(block, orientation)
            let base = block.offset + component * block.planeCount
            for row in rows {
                let start = base + block.place(orientation, row: row, column: columns.lowerBound)
                for index in 0..<columns.count {
                    values[start + index] =
                        frame[plane, origin.row + row, origin.column + columns.lowerBound + index]
                }
            }
        }
    }
}

extension WindowGeometry {
    /// Where a sub-band begins in the frame's coefficients.
    func origin(_ block: Block, _ orientation: Orientation) -> (row: Int, column: Int) {
        guard orientation != .low else { return (0, 0) }
        let inner = frame.size(at: block.level)
        return (orientation == .horizontal ? 0 : inner.rows, orientation == .vertical ? 0 : inner.columns)
    }
}

extension Wavelet {
    /// The values of a window, bit for bit those of the whole frame's inverse; uses the coefficients' buffer up.
    /// Source: Docs/packet-format.md, section 5.2.
    package func inverse(_ coefficients: consuming WindowPlanes) -> Planes {
        let geometry = coefficients.geometry
        let (window, components) = (geometry.window, geometry.components)
        var result = Planes(components: components, rows: window.height, columns: window.width)
        coefficients.values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for (index, block) in geometry.blocks.enumerated().reversed() {
                synthesise(block, components, base)
                guard index > 0 else { break }
                let finer = geometry.blocks[index - 1]
                for component in 0..<components {
                    let target = base + (finer.offset + component * finer.planeCount)
                    copy(block, component, base, rows: finer.rows.low, columns: finer.columns.low) { row in
                        target + finer.place(.low, row: row, column: finer.columns.low.lowerBound)
                    }
                }
            }
            result.values.withUnsafeMutableBufferPointer { result in
                guard let target = result.baseAddress else { return }
                for component in 0..<components {
                    copy(
                        geometry.blocks[0], component, base, rows: window.rowRange, columns: window.columnRange
                    ) { row in target + (component * window.height + row - window.y) * window.width }
                }
            }
        }
        return result
    }

    /// One level of the inverse on the block alone.
    private func synthesise(
        _ block: WindowGeometry.Block, _ components: Int, _ base: UnsafeMutablePointer<Float>
    ) {
        let (rows, columns) = (block.rowCount, block.columnCount)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: perigee_wavelet_work(rows, columns)) { work in
            for component in 0..<components {
                perigee_wavelet_inverse(
                    path.code, base + (block.offset + component * block.planeCount), rows, columns, columns, 1,
                    work.baseAddress)
            }
        }
    }

    /// Copies computed samples of a block, row by row.
    private func copy(
        _ block: WindowGeometry.Block, _ component: Int, _ base: UnsafeMutablePointer<Float>, rows: Range<Int>,
        columns: Range<Int>, to target: (Int) -> UnsafeMutablePointer<Float>
    ) {
        let first = block.offset + component * block.planeCount
        for row in rows {
            let place = (row - block.rows.computed.lowerBound) * block.columnCount
            target(row).update(
                from: base + (first + place + columns.lowerBound - block.columns.computed.lowerBound),
                count: columns.count)
        }
    }
}

extension SpectralTransform {
    /// Components to bands, each position by itself; one basis a tile, nil where it is the identity.
    func inverse(_ planes: inout WindowPlanes, _ bases: [TileBasis?], tiles: [Int]) {
        apply(&planes, bases, tiles) { $0.inverse($1) }
    }

    /// Bands to components.
    func forward(_ planes: inout WindowPlanes, _ bases: [TileBasis?], tiles: [Int]) {
        apply(&planes, bases, tiles) { $0.matrix($1) }
    }

    private func apply(
        _ planes: inout WindowPlanes, _ bases: [TileBasis?], _ tiles: [Int], _ matrix: (TileBasis, Int) -> [Float]
    ) {
        let geometry = planes.geometry
        let count = geometry.components
        planes.values.withUnsafeMutableBufferPointer { values in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: perigee_spectral_work(count)) { work in
                for tile in tiles {
                    guard let basis = bases[tile] else { continue }
                    let layout = TileLayout(grid: grid, tile: tile, levels: geometry.frame.levels, components: count)
                    for part in geometry.parts(of: layout) {
                        perigee_spectral(
                            path.code, matrix(basis, part.band.spectralLevel), count,
                            values.baseAddress.map { $0 + part.start }, part.block.planeCount, part.block.columnCount,
                            part.rows.count, part.columns.count, work.baseAddress)
                    }
                }
            }
        }
    }
}

extension WindowGeometry {
    /// What a window needs of one sub-band of one tile.
    struct Part {
        let block: Block
        let band: Subband
        let orientation: Orientation
        /// Counted from the start of the sub-band in the tile.
        let rows: Range<Int>
        let columns: Range<Int>
        /// Place of the first coefficient of the first component.
        let start: Int
    }

    /// The coefficients of a tile that the window needs; none of the parts is empty.
    func parts(of layout: TileLayout) -> [Part] {
        subbands.compactMap { block, orientation in
            // the tile's list: low first, then three of each level from the coarsest on
            let index = orientation == .low ? 0 : 1 + 3 * (frame.levels - block.level) + orientation.rawValue
            let band = layout.subbands[index]
            let origin = origin(block, orientation)
            let owned = (row: band.frameRow - origin.row, column: band.frameColumn - origin.column)
            let needed = block.needed(orientation)
            let rows = needed.rows.clamped(to: owned.row..<owned.row + band.rows)
            let columns = needed.columns.clamped(to: owned.column..<owned.column + band.columns)
            guard !rows.isEmpty, !columns.isEmpty else { return nil }
            return Part(
                block: block, band: band, orientation: orientation,
                rows: rows.lowerBound - owned.row..<rows.upperBound - owned.row,
                columns: columns.lowerBound - owned.column..<columns.upperBound - owned.column,
                start: block.offset + block.place(orientation, row: rows.lowerBound, column: columns.lowerBound))
        }
    }
}
