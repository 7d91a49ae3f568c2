/// Start values of the token coder: adaptive cells for every context, and where in its interval a coefficient lies on
/// average. Trained, part of the firmware; both ends must have the same. Source: Docs/packet-format.md section 5.7.
public struct ContextTables: Equatable, Sendable {
    /// Significance: by level, component class and log-quantised energy of the neighbourhood.
    static let significanceShape = [10, 6, 40]
    /// Sign: by known signs in the sub-band, and of the components beside.
    static let signShape = [9, 9, 9]
    /// Refinement: by magnitude so far and the component before, neighbourhood, level.
    static let refinementShape = [12, 24, 10]
    /// Sub-band flags: by component, rank of the sub-band from the finest, plane.
    static let flagShape = [12, 32, 24]
    /// Centroids: by plane, level, component class, and first, second or later interval.
    static let centroidShape = [26, 10, 6, 3]

    static let significanceOffset = 0
    static let signOffset = significanceOffset + 10 * 6 * 40
    static let refinementOffset = signOffset + 9 * 9 * 9
    static let flagOffset = refinementOffset + 12 * 24 * 10
    static let cellCount = flagOffset + 12 * 32 * 24

    /// Adaptive cells of all contexts behind each other; see `Cell`.
    var cells: [UInt32]
    /// Offset into the interval in 1/65,536 of its width.
    var centroids: [UInt16]

    /// Tables for a codec that was never trained: plausible, and enough to run and test everything.
    public static let untrained: ContextTables = {
        var cells: [UInt32] = []
        for _ in 0..<60 {
            for energy in 0..<40 {
                let probability = ((energy * energy + 4) << 22) / 3_200
                cells.append(UInt32(probability) << 10)
            }
        }
        cells += [UInt32](repeating: Cell.make(probability: 0.5, count: 6), count: 9 * 9 * 9)
        cells += [UInt32](repeating: Cell.make(probability: 0.4375, count: 0), count: 12 * 24 * 10)
        cells += [UInt32](repeating: Cell.make(probability: 0.1875, count: 0), count: 12 * 32 * 24)
        var centroids: [UInt16] = []
        for _ in 0..<26 * 10 * 6 { centroids += [27_525, 30_802, 32_113] }
        return ContextTables(cells: cells, centroids: centroids)
    }()

    init(cells: [UInt32], centroids: [UInt16]) {
        self.cells = cells
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
