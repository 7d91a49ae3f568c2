import PerigeeConcurrency
import PerigeeCore

/// Layers of octets to coefficients: everything of the decoder before the transform.
package final class TokenDecoder: Sendable {
    package let grid: TileGrid
    package let levels: Int
    package let components: Int
    private let tables: ContextTables
    let history: PredictionModel
    let lanes: Lanes
    private let workspaces: LaneWorkspaces

    /// A decoder of coefficients `[components][rows][columns]` in Mallat layout of `levels` levels.
    package init(
        rows: Int, columns: Int, levels: Int, components: Int, tables: ContextTables,
        history: PredictionModel? = nil, lanes: Int
    ) {
        grid = TileGrid(rows: rows, columns: columns)
        self.levels = levels
        self.components = components
        self.tables = tables
        self.history = history ?? .untrained(tables)
        self.lanes = Lanes(count: min(max(lanes, 1), grid.count), name: "decoder")
        workspaces = LaneWorkspaces(lanes: self.lanes.count, grid: grid, levels: levels, components: components)
    }

    /// What the layers hold of each tile.
    package struct TileOctets {
        /// The tiles' streams as far as they are there.
        package var streams: [[UInt8]]
        /// What the records say of each tile; nil before a tile's first record, and in frames without.
        package var spectra: [TileSpectrum?]
        package var tableSize = 0
        package var recordSize = 0
    }

    /// Octets of each tile, in the order of the layers, which stand behind the head. What a tile has behind its first missing
    /// octet is not used. `chosen`: the tiles that are wanted, nil for all; the others are passed over and stay empty.
    /// `mode`: the head's where tiles have records, else nil.
    package func tileOctets(
        _ layers: [ArraySlice<UInt8>], chosen: [Int]? = nil, mode: Int? = nil
    ) throws(CodecError) -> TileOctets {
        var record: SpectralRecord?
        if let mode {
            try SpectralChoice.checkRecords(mode: mode, bands: components, levels: levels)
            record = SpectralRecord(bands: components, levels: levels, headMode: mode, hasModes: grid.count > 1)
        }
        var found = TileOctets(
            streams: .init(repeating: [], count: grid.count), spectra: .init(repeating: nil, count: grid.count))
        var isCut = [Bool](repeating: chosen != nil, count: grid.count)
        for tile in chosen ?? [] { isCut[tile] = false }
        for layer in layers where !layer.isEmpty {
            var lengths = [layer.count]
            var rest = layer
            if grid.count > 1 {
                guard let table = try Self.table(layer, tiles: grid.count) else { break }
                found.tableSize += table.size
                lengths = table.lengths
                rest = layer.dropFirst(table.size)
            }
            for tile in lengths.indices where lengths[tile] > 0 {
                let segment = rest.prefix(lengths[tile])
                rest = rest.dropFirst(segment.count)
                guard !isCut[tile] else { continue }
                isCut[tile] = segment.count < lengths[tile]
                let parsed = record == nil ? 0 : try record?.parse(segment, into: &found.spectra[tile])
                guard let size = parsed else {
                    isCut[tile] = true
                    continue
                }
                found.recordSize += size
                found.streams[tile] += segment.dropFirst(size)
            }
        }
        return found
    }

    private static func table(
        _ layer: ArraySlice<UInt8>, tiles: Int
    ) throws(CodecError) -> (lengths: [Int], size: Int)? {
        do throws(FormatError) { return try LayerTable.parse(layer, tiles: tiles) } catch { throw .format(error) }
    }

    /// Coefficients, at the middle of what is known of them, divided by `scale`, without their prediction; the validity of
    /// the samples; and, in a frame with a reference, how each tile is predicted.
    package func decode(
        _ tiles: [[UInt8]], hasMask: Bool, hasReference: Bool = false, scale: Float
    ) -> (coefficients: Planes, validity: Validity, predictions: [TilePrediction?]) {
        var planes = Planes(components: components, rows: grid.rows, columns: grid.columns)
        let inverse = 1 / scale
        let (rows, columns) = (grid.rows, grid.columns)
        let found = planes.values.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let base = buffer.baseAddress
            return decodeTiles(tiles, Array(0..<grid.count), hasMask: hasMask, hasReference: hasReference) {
                workspace, _, outcome, centroids in
                guard let base else { return TileMask(missing: [], bands: 0) }
                workspace.reconstruct(
                    into: base, outcome.layout, rows: rows, columns: columns, plane: outcome.plane,
                    centroids: centroids, scale: inverse)
                return outcome.mask
            }
        }
        return (planes, validity(found.map(\.mask)), found.map(\.prediction))
    }

    /// The interval that each coefficient is known to lie in, `[components][rows][columns]` in coded integers: from `lower`
    /// on, less than `lower + width` (for one that is not negative; negative ones the other way round; around 0 both ends
    /// are excluded); the validity of the samples, and how tiles are predicted, whose
    /// prediction is not in the intervals.
    package func intervals(
        _ tiles: [[UInt8]], hasMask: Bool, hasReference: Bool = false
    ) -> (lower: [Int32], width: [Int32], validity: Validity, predictions: [TilePrediction?]) {
        let count = components * grid.rows * grid.columns
        var lower = [Int32](repeating: 0, count: count)
        var width = lower
        let (rows, columns) = (grid.rows, grid.columns)
        let found = lower.withUnsafeMutableBufferPointer { lower in
            width.withUnsafeMutableBufferPointer { width in
                nonisolated(unsafe) let (low, wide) = (lower.baseAddress, width.baseAddress)
                return decodeTiles(tiles, Array(0..<grid.count), hasMask: hasMask, hasReference: hasReference) {
                    workspace, _, outcome, _ in
                    if let low, let wide {
                        workspace.intervals(
                            lower: low, width: wide, outcome.layout, rows: rows, columns: columns,
                            plane: outcome.plane)
                    }
                    return outcome.mask
                }
            }
        }
        return (lower, width, validity(found.map(\.mask)), found.map(\.prediction))
    }

    /// Bits that all tiles' decisions took, by `DecisionKind.rawValue`.
    package func account(_ tiles: [[UInt8]], hasMask: Bool, hasReference: Bool = false) -> [Double] {
        let decoder = TileDecoder(grid: grid, levels: levels, components: components, tables: tables, history: history)
        let workspaces = workspaces
        var bits = [Double](repeating: 0, count: DecisionKind.allCases.count)
        bits.withUnsafeMutableBufferPointer { bits in
            nonisolated(unsafe) let bits = bits
            lanes.forEach(1) { lane, _ in
                for (tile, octets) in tiles.enumerated() {
                    octets.withUnsafeBufferPointer { octets in
                        guard let base = octets.baseAddress, !octets.isEmpty else { return }
                        var coder = AccountingDecoder(octets: base, count: octets.count)
                        workspaces.withWorkspace(lane: lane) { workspace in
                            _ = decoder.decode(
                                tile: tile, with: &coder, hasMask: hasMask, hasReference: hasReference,
                                workspace: &workspace)
                        }
                        for kind in bits.indices { bits[kind] += coder.bits[kind] }
                    }
                }
            }
        }
        return bits
    }

    /// Decodes the chosen tiles in parallel and hands each one's workspace to `body`, which writes that tile's part of the
    /// frame and gives what is to be kept of its mask. The results are in the order of `chosen`.
    func decodeTiles(
        _ tiles: [[UInt8]], _ chosen: [Int], hasMask: Bool, hasReference: Bool,
        _ body:
            @escaping @Sendable (borrowing TileWorkspace, Int, TileDecoder.Outcome, UnsafePointer<UInt16>) -> TileMask
    ) -> [(mask: TileMask, prediction: TilePrediction?)] {
        let decoder = TileDecoder(grid: grid, levels: levels, components: components, tables: tables, history: history)
        let (workspaces, plain, predicted) = (workspaces, tables.centroids, history.tables.centroids)
        var found = [(mask: TileMask, prediction: TilePrediction?)](
            repeating: (TileMask(missing: [], bands: 0), nil), count: chosen.count)
        found.withUnsafeMutableBufferPointer { found in
            nonisolated(unsafe) let found = found
            lanes.forEach(chosen.count) { lane, index in
                let tile = chosen[index]
                workspaces.withWorkspace(lane: lane) { workspace in
                    let outcome = tiles[tile].withUnsafeBufferPointer { octets in
                        var none: UInt8 = 0
                        return withUnsafePointer(to: &none) { none in
                            var coder = BinaryDecoder(octets: octets.baseAddress ?? none, count: octets.count)
                            return decoder.decode(
                                tile: tile, with: &coder, hasMask: hasMask, hasReference: hasReference,
                                workspace: &workspace)
                        }
                    }
                    (outcome.prediction == nil ? plain : predicted).withUnsafeBufferPointer { centroids in
                        let base = invariant(centroids.baseAddress, "no centroids")
                        found[index] = (body(workspace, tile, outcome, base), outcome.prediction)
                    }
                }
            }
        }
        return found
    }

    private func validity(_ masks: [TileMask]) -> Validity {
        let bands = masks.reduce(0) { max($0, $1.bands) }
        guard bands > 0 else { return Validity(allValid: components, rows: grid.rows, columns: grid.columns) }
        var frame = [[UInt8]](
            repeating: [UInt8](repeating: 1, count: grid.rows * grid.columns), count: bands)
        for (tile, mask) in masks.enumerated() where mask.bands > 0 {
            let (rows, columns) = (grid.rowRange(tile), grid.columnRange(tile))
            let size = rows.count * columns.count
            for band in 0..<bands {
                var source = mask.bands == 1 ? 0 : band * size
                for row in rows {
                    for column in columns {
                        if mask.missing[source] != 0 { frame[band][row * grid.columns + column] = 0 }
                        source += 1
                    }
                }
            }
        }
        return Validity(bands: components, rows: grid.rows, columns: grid.columns, masks: frame)
    }
}
