import PerigeeConcurrency
import PerigeeCore

/// Coefficients to layers of octets: everything of the encoder behind the transform. Callers on several threads take turns at
/// the lanes.
package final class TokenEncoder: Sendable {
    package let grid: TileGrid
    package let levels: Int
    package let components: Int
    private let tables: ContextTables
    package let history: PredictionModel
    let lanes: Lanes
    private let workspaces: LaneWorkspaces

    /// An encoder of coefficients `[components][rows][columns]` in Mallat layout of `levels` levels.
    package init(
        rows: Int, columns: Int, levels: Int, components: Int, tables: ContextTables,
        history: PredictionModel? = nil, lanes: Int
    ) {
        grid = TileGrid(rows: rows, columns: columns)
        self.levels = levels
        self.components = components
        self.tables = tables
        self.history = history ?? .untrained(tables)
        self.lanes = Lanes(count: min(max(lanes, 1), grid.count), name: "encoder")
        workspaces = LaneWorkspaces(lanes: self.lanes.count, grid: grid, levels: levels, components: components)
    }

    /// Integers `[components][rows][columns]` as they are.
    package func encode(
        integers: [Int32], validity: Validity, head: [UInt8], records: TileRecords = .none, budgets: [Int]
    ) throws(CodecError) -> EncodedFrame {
        try integers.withUnsafeBufferPointer { (buffer) throws(CodecError) in
            let base = invariant(buffer.baseAddress, "a frame without coefficients")
            return try encode(
                .integers(base), validity: validity, head: head, records: records, budgets: budgets)
        }
    }

    /// Real coefficients `[components][rows][columns]`, cut to integers after multiplication with `scale`. `predictions`: how
    /// each tile was predicted, nil in a frame without a reference.
    package func encode(
        reals: [Float], scale: Float, validity: Validity, head: [UInt8], records: TileRecords = .none,
        predictions: [TilePrediction?]? = nil, budgets: [Int]
    ) throws(CodecError) -> EncodedFrame {
        try reals.withUnsafeBufferPointer { (buffer) throws(CodecError) in
            let base = invariant(buffer.baseAddress, "a frame without coefficients")
            return try encode(
                .reals(base, scale: scale), validity: validity, head: head, records: records, predictions: predictions,
                budgets: budgets)
        }
    }

    private func encode(
        _ coefficients: FrameCoefficients, validity: Validity, head: [UInt8], records: TileRecords = .none,
        predictions: [TilePrediction?]? = nil, budgets: [Int]
    ) throws(CodecError) -> EncodedFrame {
        let count = grid.count
        let whole = max(budgets.last ?? 0, 0)
        let positions = (3 * levels + 1) * BitplaneCode.passesPerPlane * (BitplaneCode.topPlane + 1)
        var limits = count == 1 ? [whole] : TileShares.limits(histograms(coefficients), budget: whole)
        var streams = [TileStream](
            repeating: TileStream(octets: [], ends: [], maskSize: 0, isExhausted: false), count: count)
        var needed = Array(0..<count)
        while true {
            encodeTiles(needed, coefficients, validity, predictions, limits, &streams)
            let plan = LayerPlan(tiles: streams, positions: positions, headSize: head.count, records: records)
            switch plan.plan(budgets: budgets) {
            case .lengths(let lengths):
                return EncodedFrame(
                    layers: assemble(lengths, streams, head: head, records), smallestSize: plan.smallestSize,
                    isComplete: lengths.isComplete)
            case .tooSmall: throw .overBudget(budget: budgets.last ?? 0, smallest: plan.smallestSize)
            case .needs(let tiles):
                needed = tiles
                for tile in tiles { limits[tile] = min(2 * limits[tile], Int.max / 4) }
            }
        }
    }

    private func histograms(_ coefficients: FrameCoefficients) -> [[Int]] {
        let (grid, levels, components) = (grid, levels, components)
        var histograms = [[Int]](repeating: [], count: grid.count)
        histograms.withUnsafeMutableBufferPointer { buffer in
            // Each body writes the element of its own tile, and all end before this closure does.
            nonisolated(unsafe) let buffer = buffer
            nonisolated(unsafe) let coefficients = coefficients
            lanes.forEach(grid.count) { _, tile in
                let layout = TileLayout(grid: grid, tile: tile, levels: levels, components: components)
                buffer[tile] = TileShares.histogram(coefficients, layout, rows: grid.rows, columns: grid.columns)
            }
        }
        return histograms
    }

    private func encodeTiles(
        _ tiles: [Int], _ coefficients: FrameCoefficients, _ validity: Validity,
        _ predictions: [TilePrediction?]?, _ limits: [Int], _ streams: inout [TileStream]
    ) {
        let encoder = TileEncoder(grid: grid, levels: levels, components: components, tables: tables, history: history)
        let workspaces = workspaces
        streams.withUnsafeMutableBufferPointer { buffer in
            // Each body writes the element of its own tile, and all end before this closure does.
            nonisolated(unsafe) let buffer = buffer
            nonisolated(unsafe) let coefficients = coefficients
            lanes.forEach(tiles.count) { lane, index in
                let tile = tiles[index]
                let mask = TileMask(
                    validity, rows: encoder.grid.rowRange(tile), columns: encoder.grid.columnRange(tile))
                buffer[tile] = workspaces.withWorkspace(lane: lane) { workspace in
                    encoder.encode(
                        tile: tile, coefficients, mask: mask,
                        history: predictions.map { .reference($0[tile]) } ?? .none, limit: limits[tile],
                        workspace: &workspace)
                }
            }
        }
    }

    private func assemble(
        _ lengths: LayerPlan.Lengths, _ streams: [TileStream], head: [UInt8], _ records: TileRecords
    ) -> [[UInt8]] {
        var before = [Int](repeating: 0, count: streams.count)
        var sent = records.start
        var layers: [[UInt8]] = []
        for (layer, after) in lengths.rows.enumerated() {
            var writer = ByteWriter()
            if layer == lengths.first { writer.write(head) }
            let isSkipped = lengths.skipped.contains(layer)
            let beginnings = streams.indices.map { tile in
                isSkipped ? [] : records.octets(tile, sent: &sent, layer: layer, to: after[tile])
            }
            let segments = streams.indices.map { beginnings[$0].count + after[$0] - before[$0] }
            if segments.contains(where: { $0 > 0 }) {
                if streams.count > 1 { LayerTable.pack(segments, into: &writer) }
                for (tile, stream) in streams.enumerated() {
                    writer.write(beginnings[tile])
                    writer.write(stream.octets[before[tile]..<after[tile]])
                }
            }
            layers.append(writer.bytes)
            before = after
        }
        return layers
    }
}
