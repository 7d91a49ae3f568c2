/// What one frame shows of one cell: eight by eight blocks, up to three features each.
public struct CellView: Equatable, Sendable {
    public static let side = 8
    public static let blockCount = side * side

    /// `[features][blocks]`.
    public var values: [[Double]]
    /// The blocks that the frame shows, at least half of each.
    public var known: [Bool]
    /// Blocks under cloud or snow.
    public var covered: [Bool]
    /// A neighbour is under clouds, so that shadows may lie here.
    public var isBesideClouds = false

    init(features: Int) {
        values = Array(repeating: Array(repeating: 0, count: Self.blockCount), count: features)
        known = Array(repeating: false, count: Self.blockCount)
        covered = known
    }

    public var knownCount: Int { known.count { $0 } }
    public var coveredCount: Int { covered.count { $0 } }
    /// Nothing in it is hidden.
    var isClear: Bool { !isBesideClouds && !covered.contains(true) }
}
