import PerigeeCore

/// What the firmware knows of prediction from history: profiles of weights, start values of the decisions that say a
/// prediction, and tables for coefficients that a prediction was taken off. Source: Docs/packet-format.md, section 5.12.
package struct PredictionModel: Equatable, Sendable {
    package static let profileCount = 8
    static let levelCount = 10
    static let classCount = 6
    /// Weights are sixteenths.
    static let one: UInt8 = 16
    /// Steps of a weight that a tile sends for itself, from 0 to 1.
    static let steps = 5

    /// `[profiles][10 levels, the low band's first][6 classes of components]`, sixteenths, 0 to 16.
    package let weights: [UInt8]
    /// One a context of `PredictionCell`.
    var cells: [UInt32]
    /// Start values of the token coder for predicted tiles.
    var tables: ContextTables

    init(weights: [UInt8], cells: [UInt32], tables: ContextTables) {
        (self.weights, self.cells, self.tables) = (weights, cells, tables)
    }

    /// What a bundle without any tensor `history/…` stands for: falling weights, even decisions, the tables of plain tiles.
    static func untrained(_ tables: ContextTables) -> PredictionModel {
        let entries = levelCount * classCount
        return PredictionModel(
            weights: (0..<profileCount * entries).map { one - 2 * UInt8($0 / entries) },
            cells: [UInt32](repeating: PredictionCell.untrained, count: PredictionCell.count), tables: tables)
    }

    /// Reads `history/weights`, `history/cells` and the tables `history/tokens/…`; a bundle that has one must have all.
    init(tensors: [String: Tensor], plain: ContextTables) throws(CodecError) {
        guard tensors.keys.contains(where: { $0.hasPrefix("history/") }) else {
            self = .untrained(plain)
            return
        }
        let shape = [Self.profileCount, Self.levelCount, Self.classCount]
        guard let weights = tensors["history/weights"], case .uint8(let values) = weights.values,
            weights.shape == shape, values.count == shape.reduce(1, *)
        else {
            throw .unusable(
                field: "history/weights", found: "absent, or of another type or shape", expected: "u8 \(shape)")
        }
        guard values.allSatisfy({ $0 <= Self.one }) else {
            throw .outOfRange(field: "history/weights", value: Int(values.max() ?? 0), limit: Int(Self.one))
        }
        guard let cells = tensors["history/cells"], case .uint32(let starts) = cells.values,
            cells.shape == [PredictionCell.count], starts.count == PredictionCell.count
        else {
            throw .unusable(
                field: "history/cells", found: "absent, or of another type or shape",
                expected: "u32 [\(PredictionCell.count)]")
        }
        self.init(
            weights: values, cells: starts,
            tables: try ContextTables(tensors: tensors, prefix: ContextTables.predictedPrefix))
    }

    /// The model as tensors of a bundle.
    func tensors() -> [String: Tensor] {
        var tensors = tables.tensors(prefix: ContextTables.predictedPrefix)
        tensors["history/weights"] = Tensor(
            shape: [Self.profileCount, Self.levelCount, Self.classCount], values: .uint8(weights))
        tensors["history/cells"] = Tensor(shape: [PredictionCell.count], values: .uint32(cells))
        return tensors
    }

    /// The weight that a profile has for a level (0 is the low band) and a class of components, in sixteenths.
    func weight(profile: Int, level: Int, componentClass: Int) -> UInt8 {
        weights[(profile * Self.levelCount + level) * Self.classCount + componentClass]
    }
}

/// Where the cells of each decision begin. Source: Docs/packet-format.md, section 5.12.
enum PredictionCell {
    static let isPredicted = 0
    static let hasMap = 1
    static let isMoved = 2
    /// By profile.
    static let hasWeights = 3
    /// Node of a binary tree; the first is not used.
    static let profile = 11
    /// Node of a binary tree; the first is not used.
    static let blockSize = 19
    /// By what the blocks to the left and above are: outside, off, on.
    static let block = 23
    /// By axis and value.
    static let offset = 32
    /// By level, class, the step nearest to the profile's weight, and value.
    static let weight = 40
    static let count = weight + PredictionModel.levelCount * PredictionModel.classCount * 5 * 4
    static let untrained: UInt32 = 2_097_152 << 10
}
