/// Start values of the token coder: adaptive cells for every context, the weights that mix them, and where in its interval
/// a coefficient lies on average. Trained, part of the firmware; both ends must have the same.
/// Source: Docs/packet-format.md section 5.7.
public struct ContextTables: Equatable, Sendable {
    /// Centroids: by plane, level, component class, and first, second or later interval.
    static let centroidShape = [26, 10, 6, 3]

    /// The cells of all of `ContextTable.all` behind each other; see `Cell`.
    var cells: [UInt32]
    /// The weights of all of `WeightTable.all` behind each other, in 1/65,536.
    var weights: [Int32]
    /// Offset into the interval in 1/65,536 of its width.
    var centroids: [UInt16]

    /// Tables for a codec that was never trained: plausible, and enough to run and test everything.
    public static let untrained: ContextTables = {
        var cells: [UInt32] = []
        for table in ContextTable.all { cells += [UInt32](repeating: table.untrained, count: table.count) }
        for index in 0..<10 * 6 * 40 {
            let energy = index % 40
            cells[ContextOffset.significance + index] = UInt32(((energy * energy + 4) << 22) / 3_200) << 10
        }
        var weights: [Int32] = []
        for table in WeightTable.all {
            let columns = table.shape.last ?? 1
            let row = [Int32](repeating: table.untrained, count: columns - 1) + [0]
            for _ in 0..<table.count / columns { weights += row }
        }
        var centroids: [UInt16] = []
        for _ in 0..<26 * 10 * 6 { centroids += [27_525, 30_802, 32_113] }
        return ContextTables(cells: cells, weights: weights, centroids: centroids)
    }()

    init(cells: [UInt32], weights: [Int32], centroids: [UInt16]) {
        self.cells = cells
        self.weights = weights
        self.centroids = centroids
    }

    /// The class of a component: the first three alone, then 3 and 4, 5 to 7, the rest.
    static func componentClass(_ component: Int) -> Int {
        switch component {
        case ..<3: component
        case 3, 4: 3
        case 5...7: 4
        default: 5
        }
    }
}
