import PerigeeCore

extension TokenDecoder {
    /// As `decode` of the whole frame, for what a window needs, from the `chosen` tiles, which must be those of
    /// `WindowGeometry.tiles`. The validity is that of the window's samples; predictions are in the order of `chosen`.
    package func decode(
        _ tiles: [[UInt8]], _ chosen: [Int], _ geometry: WindowGeometry, hasMask: Bool, hasReference: Bool = false,
        scale: Float
    ) -> (coefficients: WindowPlanes, validity: Validity, predictions: [TilePrediction?]) {
        var planes = WindowPlanes(geometry)
        let inverse = 1 / scale
        let grid = grid
        let found = planes.values.withUnsafeMutableBufferPointer { buffer in
            // Each tile writes the coefficients that it alone owns, and all end before this closure does.
            nonisolated(unsafe) let base = buffer.baseAddress
            return decodeTiles(tiles, chosen, hasMask: hasMask, hasReference: hasReference) {
                workspace, tile, outcome, centroids in
                guard let base else { return TileMask(missing: [], bands: 0) }
                workspace.reconstruct(
                    into: base, geometry, outcome.layout, plane: outcome.plane, centroids: centroids, scale: inverse)
                return outcome.mask.part(
                    of: geometry.window, rows: grid.rowRange(tile), columns: grid.columnRange(tile))
            }
        }
        return (planes, validity(found.map(\.mask), chosen, geometry.window), found.map(\.prediction))
    }

    private func validity(_ masks: [TileMask], _ chosen: [Int], _ window: FrameWindow) -> Validity {
        let bands = masks.reduce(0) { max($0, $1.bands) }
        guard bands > 0 else { return Validity(allValid: components, rows: window.height, columns: window.width) }
        var result = [[UInt8]](repeating: [UInt8](repeating: 1, count: window.height * window.width), count: bands)
        for (tile, mask) in zip(chosen, masks) where mask.bands > 0 {
            let rows = grid.rowRange(tile).clamped(to: window.rowRange)
            let columns = grid.columnRange(tile).clamped(to: window.columnRange)
            for band in 0..<bands {
                var source = mask.bands == 1 ? 0 : band * rows.count * columns.count
                for row in rows {
                    for column in columns {
                        let place = (row - window.y) * window.width + column - window.x
                        if mask.missing[source] != 0 { result[band][place] = 0 }
                        source += 1
                    }
                }
            }
        }
        return Validity(bands: components, rows: window.height, columns: window.width, masks: result)
    }
}

extension TileMask {
    /// The part of a tile's mask that lies in a window; no bands where none does.
    func part(of window: FrameWindow, rows: Range<Int>, columns: Range<Int>) -> TileMask {
        let inner = (rows: rows.clamped(to: window.rowRange), columns: columns.clamped(to: window.columnRange))
        guard bands > 0, !inner.rows.isEmpty, !inner.columns.isEmpty else { return TileMask(missing: [], bands: 0) }
        var part: [UInt8] = []
        part.reserveCapacity(bands * inner.rows.count * inner.columns.count)
        for band in 0..<bands {
            for row in inner.rows {
                let start = (band * rows.count + row - rows.lowerBound) * columns.count - columns.lowerBound
                part += missing[start + inner.columns.lowerBound..<start + inner.columns.upperBound]
            }
        }
        return TileMask(missing: part, bands: bands)
    }
}

extension TileWorkspace {
    /// Writes the middle of every interval of the coefficients that a window needs and this tile owns.
    func reconstruct(
        into base: UnsafeMutablePointer<Float>, _ geometry: WindowGeometry, _ layout: TileLayout, plane: Int,
        centroids: UnsafePointer<UInt16>, scale: Float
    ) {
        for part in geometry.parts(of: layout) {
            for component in 0..<layout.components {
                for row in part.rows {
                    let offset =
                        component * part.block.planeCount + (row - part.rows.lowerBound) * part.block.columnCount
                    reconstruct(
                        into: base + (part.start + offset), layout, part.band, component: component, row: row,
                        columns: part.columns, plane: plane, centroids: centroids, scale: scale)
                }
            }
        }
    }
}

extension Samples {
    /// The samples of a window that was checked.
    func window(_ window: FrameWindow) throws(CodecError) -> Samples {
        var part: [UInt8] = []
        part.reserveCapacity(bands * window.height * window.width * type.size)
        for band in 0..<bands {
            for row in window.rowRange {
                let start = ((band * rows + row) * columns + window.x) * type.size
                part += bytes[start..<start + window.width * type.size]
            }
        }
        do throws(FormatError) {
            return try Samples(type: type, bands: bands, rows: window.height, columns: window.width, bytes: part)
        } catch { throw .format(error) }
    }
}
