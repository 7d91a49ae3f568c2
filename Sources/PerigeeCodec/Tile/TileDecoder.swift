/// Decodes a prefix of one tile. Source: Docs/packet-format.md sections 5.5 to 5.8.
struct TileDecoder {
    let grid: TileGrid
    let levels: Int
    let components: Int
    let tables: ContextTables

    /// What a tile's octets said: the state is in the workspace until the next tile begins.
    struct Outcome {
        let layout: TileLayout
        let mask: TileMask
        /// The plane in which the octets ended.
        let plane: Int
    }

    /// Decodes as far as the octets go.
    func decode<Coder: BinaryCoder>(
        tile: Int, with coder: inout Coder, hasMask: Bool, workspace: inout TileWorkspace
    ) -> Outcome {
        let layout = TileLayout(grid: grid, tile: tile, levels: levels, components: components)
        workspace.begin(layout, tables: tables)
        var mask = TileMask(missing: [], bands: 0)
        var plane = BitplaneCode.topPlane
        CoderConstants.with { constants in
            if hasMask {
                MaskCoder(
                    rows: grid.rowRange(tile).count, columns: grid.columnRange(tile).count, bands: components,
                    cells: workspace.maskCells, rates: constants.rates
                ).code(&coder, &mask)
                if coder.isStopped { return }
            }
            var planes = PlaneCoder(coder: coder, layout: layout, workspace: workspace, constants: constants)
            _ = planes.run(ends: nil)
            plane = planes.plane
            coder = planes.coder
        }
        return Outcome(layout: layout, mask: mask, plane: plane)
    }
}
