/// Decodes a prefix of one tile. Source: Docs/packet-format.md sections 5.5 to 5.8.
struct TileDecoder {
    let grid: TileGrid
    let levels: Int
    let components: Int
    let tables: ContextTables
    let history: PredictionModel

    /// What a tile's octets said: the state is in the workspace until the next tile begins.
    struct Outcome {
        let layout: TileLayout
        let mask: TileMask
        /// nil where the tile is not predicted.
        let prediction: TilePrediction?
        /// The plane in which the octets ended.
        let plane: Int
    }

    /// Decodes as far as the octets go. `hasReference`: whether the frame has a reference, so that its tiles may be predicted.
    func decode<Coder: BinaryCoder>(
        tile: Int, with coder: inout Coder, hasMask: Bool, hasReference: Bool,
        workspace: inout TileWorkspace
    ) -> Outcome {
        let layout = TileLayout(grid: grid, tile: tile, levels: levels, components: components)
        workspace.begin(layout, tables: tables)
        var mask = TileMask(missing: [], bands: 0)
        var prediction = hasReference ? PredictionCoder.silent : nil
        var plane = BitplaneCode.topPlane
        CoderConstants.with { constants in
            if hasMask {
                MaskCoder(
                    rows: grid.rowRange(tile).count, columns: grid.columnRange(tile).count, bands: components,
                    cells: workspace.maskCells, rates: constants.rates
                ).code(&coder, &mask)
                if coder.isStopped { return }
            }
            if hasReference {
                workspace.codePrediction(
                    &coder, &prediction, grid: grid, tile: tile, levels: levels, components: components,
                    model: history, rates: constants.rates)
                if coder.isStopped { return }
                if prediction != nil { workspace.take(history.tables) }
            }
            var planes = PlaneCoder(coder: coder, layout: layout, workspace: workspace, constants: constants)
            _ = planes.run(ends: nil)
            plane = planes.plane
            coder = planes.coder
        }
        return Outcome(layout: layout, mask: mask, prediction: prediction, plane: plane)
    }
}
