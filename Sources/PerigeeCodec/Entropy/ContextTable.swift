/// One table of adaptive cells: its name in the firmware, its shape, and the cell it has before any training.
/// Source: Docs/packet-format.md section 5.7.
struct ContextTable {
    let name: String
    let shape: [Int]
    let untrained: UInt32

    var count: Int { shape.reduce(1, *) }

    /// All tables in the order in which their cells lie behind each other; `ContextOffset` says where.
    static let all: [ContextTable] = [
        ContextTable("significance", [10, 6, 40], 0),
        ContextTable("significance.position", [12, 32, 24], 629_145 << 10),
        ContextTable("significance.components", [14, 8, 8, 6], 629_145 << 10),
        ContextTable("significance.siblings", [12, 12, 10], 629_145 << 10),
        ContextTable("significance.place", [40, 12, 32], 629_145 << 10),
        ContextTable("significance.plane", [14, 24, 10], 629_145 << 10),
        ContextTable("idle", [10, 6, 24], 41_943 << 10),
        ContextTable("idle.group", [10, 6, 4, 24], 41_943 << 10),
        ContextTable("idle.place", [8], 2_097_152 << 10),
        ContextTable("sign", [9, 9, 9], 2_097_152 << 10 | 6),
        ContextTable("sign.inside", [5, 5, 4, 2], 2_097_152 << 10 | 6),
        ContextTable("sign.components", [3, 3, 3, 12], 2_097_152 << 10 | 6),
        ContextTable("refinement", [12, 24, 10], 1_835_008 << 10),
        ContextTable("refinement.components", [12, 12, 4], 1_835_008 << 10),
        ContextTable("flags", [12, 32, 24], 786_432 << 10),
        ContextTable("flags.parent", [24, 12, 8], 786_432 << 10),
        ContextTable("flags.neighbours", [10, 10, 10], 786_432 << 10),
        ContextTable("flags.siblings", [12, 9, 9, 3], 786_432 << 10),
    ]

    private init(_ name: String, _ shape: [Int], _ untrained: UInt32) {
        (self.name, self.shape, self.untrained) = (name, shape, untrained)
    }
}

/// Where each table begins among all cells: constants, since the innermost loops add them.
enum ContextOffset {
    static let significance = 0
    static let position = significance + 10 * 6 * 40
    static let components = position + 12 * 32 * 24
    static let siblings = components + 14 * 8 * 8 * 6
    static let place = siblings + 12 * 12 * 10
    static let plane = place + 40 * 12 * 32
    static let idle = plane + 14 * 24 * 10
    static let idleGroup = idle + 10 * 6 * 24
    static let idlePlace = idleGroup + 10 * 6 * 4 * 24
    static let sign = idlePlace + 8
    static let signInside = sign + 9 * 9 * 9
    static let signComponents = signInside + 5 * 5 * 4 * 2
    static let refinement = signComponents + 3 * 3 * 3 * 12
    static let refinementComponents = refinement + 12 * 24 * 10
    static let flags = refinementComponents + 12 * 12 * 4
    static let flagsParent = flags + 12 * 32 * 24
    static let flagsNeighbours = flagsParent + 24 * 12 * 8
    static let flagsSiblings = flagsNeighbours + 10 * 10 * 10
    static let end = flagsSiblings + 12 * 9 * 9 * 3
}

/// One table of mixing weights, rows of one weight an input and one for the bias. Source: Docs/packet-format.md section 5.7.
struct WeightTable {
    let name: String
    let shape: [Int]
    /// Weight of each input before any training, in 1/65,536; that of the bias is 0.
    let untrained: Int32

    var count: Int { shape.reduce(1, *) }

    /// All tables in the order in which their weights lie behind each other; `WeightOffset` says where.
    static let all: [WeightTable] = [
        WeightTable(name: "weights/significance", shape: [10, 6, 4, 7], untrained: 13_107),
        WeightTable(name: "weights/significance.plane", shape: [24, 4, 4, 7], untrained: 0),
        WeightTable(name: "weights/sign", shape: [10, 6, 4], untrained: 26_214),
        WeightTable(name: "weights/refinement", shape: [10, 6, 3], untrained: 32_768),
        WeightTable(name: "weights/flags", shape: [10, 6, 5], untrained: 22_937),
    ]
}

/// Where each table of weights begins.
enum WeightOffset {
    static let significance = 0
    static let significancePlane = significance + 10 * 6 * 4 * 7
    static let sign = significancePlane + 24 * 4 * 4 * 7
    static let refinement = sign + 10 * 6 * 4
    static let flags = refinement + 10 * 6 * 3
    static let end = flags + 10 * 6 * 5
}
