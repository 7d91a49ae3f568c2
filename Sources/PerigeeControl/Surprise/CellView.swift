/// What one frame shows of one cell: eight by eight blocks, up to three features each.
public struct CellView: Equatable, Sendable {
    public static let side = 8
    public static let blockCount = side * side

    /// `[features][blocks]`.
    public var values: [[Double]]
    /// The blocks that the frame shows, at least half of each.
    public var known: [Bool]
    /// Blue minus half of red by block, which tells clouds and snow; nil where the bands do not.
    public var hazes: [Double]?
    /// A neighbour is under clouds, so that shadows may lie here.
    public var isBesideClouds = false

    init(features: Int, hasHaze: Bool) {
        values = Array(repeating: Array(repeating: 0, count: Self.blockCount), count: features)
        known = Array(repeating: false, count: Self.blockCount)
        hazes = hasHaze ? Array(repeating: -1, count: Self.blockCount) : nil
    }

    public var knownCount: Int { known.count { $0 } }
    /// The highest haze of a block; nil where that is not known.
    public var haze: Double? { hazes?.max() }
}
