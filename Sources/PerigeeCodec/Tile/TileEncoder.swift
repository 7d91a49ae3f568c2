/// Codes one tile. Source: Docs/packet-format.md sections 5.5 to 5.8.
struct TileEncoder {
    let grid: TileGrid
    let levels: Int
    let components: Int
    let tables: ContextTables
    let history: PredictionModel

    /// Whether a frame's tiles may be predicted, and if so how this one is.
    enum History {
        case none
        case reference(TilePrediction?)

        var isPredicted: Bool {
            if case .reference(.some) = self { true } else { false }
        }
    }

    /// Codes a tile until `limit` octets are full or nothing is left to say. `mask` is nil in a frame without one.
    /// Of a predicted tile `coefficients` are those that the prediction was taken off.
    /// The result is the same, but for its length, for every limit.
    func encode(
        tile: Int, _ coefficients: FrameCoefficients, mask: TileMask?, history tileHistory: History = .none, limit: Int,
        startCountLimit: UInt32 = Cell.startCountLimit, workspace: inout TileWorkspace
    ) -> TileStream {
        let layout = TileLayout(grid: grid, tile: tile, levels: levels, components: components)
        workspace.begin(
            layout, tables: tileHistory.isPredicted ? history.tables : tables, countLimit: startCountLimit)
        workspace.load(coefficients, layout, rows: grid.rows, columns: grid.columns)
        // More than random coefficients of 25 planes take; pages that are not reached are never touched.
        let mostOctets = 6 * layout.coefficientCount * components + 2 * (mask?.missing.count ?? 0) + 65_536
        // The size of the mask is known eight octets after its end.
        let capacity = mask == nil ? min(limit, mostOctets) : mostOctets
        let octets = UnsafeMutablePointer<UInt8>.allocate(capacity: max(capacity, 1))
        defer { octets.deallocate() }
        return CoderConstants.with { constants in
            var coder = BinaryEncoder(octets: octets, capacity: capacity)
            if var mask { code(&mask, tile: tile, with: &coder, workspace, constants.rates) }
            let afterMask = coder
            if mask != nil { coder.setCapacity(min(mostOctets, max(limit, afterMask.count + 8))) }
            if case .reference(var prediction) = tileHistory {
                workspace.codePrediction(
                    &coder, &prediction, grid: grid, tile: tile, levels: levels, components: components,
                    model: history, rates: constants.rates, countLimit: startCountLimit)
            }
            var planes = PlaneCoder(coder: coder, layout: layout, workspace: workspace, constants: constants)
            let positions = BitplaneCode.passesPerPlane * (BitplaneCode.topPlane + 1) * layout.subbands.count
            let ends = [Int](unsafeUninitializedCapacity: positions) { ends, count in
                count = planes.run(ends: ends.baseAddress)
            }
            let isDone = ends.count == positions
            if isDone { planes.coder.finish() }
            let size = planes.coder.count
            let kept = min(size, planes.coder.capacity)
            let maskSize = mask == nil ? 0 : afterMask.size(confirmedBy: octets, count: kept)
            return TileStream(
                octets: Array(UnsafeBufferPointer(start: octets, count: kept)), ends: ends, maskSize: maskSize,
                isExhausted: (isDone && kept == size) || limit >= mostOctets)
        }
    }

    private func code(
        _ mask: inout TileMask, tile: Int, with coder: inout BinaryEncoder, _ workspace: borrowing TileWorkspace,
        _ rates: UnsafePointer<Int32>
    ) {
        MaskCoder(
            rows: grid.rowRange(tile).count, columns: grid.columnRange(tile).count, bands: components,
            cells: workspace.maskCells, rates: rates
        ).code(&coder, &mask)
    }
}
