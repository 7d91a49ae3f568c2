/// What one frame shows of one cell: eight by eight blocks, up to three features each.
public struct CellView: Equatable, Sendable {
    public static let side = 8
    public static let blockCount = side * side
    /// Blocks are halved along both axes where a look is held against an earlier one.
    static let fineSide = 2 * side
    static let quarterCount = fineSide * fineSide

    /// `[features][blocks]`.
    public var values: [[Double]]
    /// The blocks that the frame shows, at least half of each.
    public var known: [Bool]
    /// `[features][quarters of blocks]`, rows of the cell's quarters one after another.
    var fine: [[Double]]
    /// The quarters that the frame shows, at least half of each, where they have samples enough to have a mean.
    var fineKnown: [Bool]
    /// Blue minus half of red by block, which tells clouds and snow; nil where the bands do not.
    public var hazes: [Double]?
    /// A neighbour is under clouds, so that shadows may lie here.
    public var isBesideClouds = false

    init(features: Int, hasHaze: Bool) {
        values = Array(repeating: Array(repeating: 0, count: Self.blockCount), count: features)
        known = Array(repeating: false, count: Self.blockCount)
        fine = Array(repeating: Array(repeating: 0, count: Self.quarterCount), count: features)
        fineKnown = Array(repeating: false, count: Self.quarterCount)
        hazes = hasHaze ? Array(repeating: -1, count: Self.blockCount) : nil
    }

    public var knownCount: Int { known.count { $0 } }
    /// The highest haze of a block; nil where that is not known.
    public var haze: Double? { hazes?.max() }

    /// The block that a quarter lies in.
    static func block(of quarter: Int) -> Int { quarter / fineSide / 2 * side + quarter % fineSide / 2 }

    /// Takes the quarters of another look at the cell, as they were then, where this one has none.
    mutating func fill(from other: CellView) {
        guard other.values.count == values.count else { return }
        for quarter in 0..<Self.quarterCount where !fineKnown[quarter] && other.fineKnown[quarter] {
            fineKnown[quarter] = true
            for feature in fine.indices { fine[feature][quarter] = other.fine[feature][quarter] }
            let block = Self.block(of: quarter)
            if let haze = other.hazes?[block], let own = hazes?[block] { hazes?[block] = max(own, haze) }
        }
    }
}
