import PerigeeConcurrency

/// One workspace a lane, made when first needed and kept for the frames to come.
final class LaneWorkspaces: Sendable {
    private final class Holder: @unchecked Sendable {  // a lane runs one body at a time, and only it touches its holder
        var workspace: TileWorkspace?
    }

    /// Never written after `init`: lanes read it side by side.
    private let holders: [Holder]
    private let components: Int
    private let componentSize: Int

    init(lanes: Int, grid: TileGrid, levels: Int, components: Int) {
        holders = (0..<lanes).map { _ in Holder() }
        self.components = components
        // Tiles are alike but for those of the last row and column, so the corners hold the largest.
        let corners = [0, grid.tileColumns - 1, grid.count - grid.tileColumns, grid.count - 1]
        componentSize = corners.reduce(0) {
            max($0, TileLayout(grid: grid, tile: $1, levels: levels, components: components).componentSize)
        }
    }

    /// Lends the workspace of a lane.
    func withWorkspace<Result>(lane: Int, _ body: (inout TileWorkspace) -> Result) -> Result {
        let holder = holders[lane]
        var workspace = holder.workspace.take() ?? TileWorkspace(components: components, componentSize: componentSize)
        let result = body(&workspace)
        holder.workspace = consume workspace
        return result
    }
}
