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
        for (block, orientation) in geometry.subbands {
            let (rows, columns) = block.needed(orientation)
            let origin = geometry.origin(block, orientation)
            for component in 0..<geometry.components {
                let base = block.offset + component * block.planeCount
                for row in rows {
                    for column in columns {
                        values[base + block.place(orientation, row: row, column: column)] =
                            frame[component, origin.row + row, origin.column + column]
                    }
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
    /// Components to bands, each position by itself.
    func inverse(_ planes: inout WindowPlanes, _ basis: SpectralBasis) {
        let geometry = planes.geometry
        planes.values.withUnsafeMutableBufferPointer { values in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: perigee_spectral_work(basis.count)) { work in
                for (block, orientation) in geometry.subbands {
                    let quadrant = block.quadrant(orientation)
                    guard quadrant.rows > 0, quadrant.columns > 0 else { continue }
                    let start = block.offset + quadrant.row * block.columnCount + quadrant.column
                    let index = orientation == .low ? 0 : index(ofLevel: block.level)
                    perigee_spectral(
                        path.code, basis.inverse(index), basis.count, values.baseAddress.map { $0 + start },
                        block.planeCount, block.columnCount, quadrant.rows, quadrant.columns, work.baseAddress)
                }
            }
        }
    }
}
