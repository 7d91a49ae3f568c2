import PerigeeConcurrency

/// One workspace a lane, made when first needed and kept for the frames to come.
final class LaneWorkspaces: @unchecked Sendable {  // a lane runs one body at a time, and only it touches its workspace
    private final class Holder {
        var workspace: TileWorkspace
        init(_ workspace: consuming TileWorkspace) { self.workspace = workspace }
    }

    private var holders: [Holder?]
    private let components: Int
    private let componentSize: Int

    init(lanes: Int, grid: TileGrid, levels: Int, components: Int) {
        holders = [Holder?](repeating: nil, count: lanes)
        self.components = components
        componentSize = (0..<grid.count).reduce(0) {
            max($0, TileLayout(grid: grid, tile: $1, levels: levels, components: components).componentSize)
        }
    }

    /// Lends the workspace of a lane.
    func withWorkspace<Result>(lane: Int, _ body: (inout TileWorkspace) -> Result) -> Result {
        let holder: Holder
        if let known = holders[lane] {
            holder = known
        } else {
            holder = Holder(TileWorkspace(components: components, componentSize: componentSize))
            holders[lane] = holder
        }
        return body(&holder.workspace)
    }
}
