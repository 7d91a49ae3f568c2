/// Codes how a tile is predicted, through either end of the binary coder, behind the mask and ahead of all coefficients.
/// Source: Docs/packet-format.md, section 5.12.
struct PredictionCoder {
    let model: PredictionModel
    let levels: Int
    let components: Int
    let tileRows: Int
    let tileColumns: Int
    /// `PredictionCell.count` of them; they learn.
    let cells: UnsafeMutablePointer<UInt32>
    let rates: UnsafePointer<Int32>

    /// What a tile does whose octets say nothing of it.
    static let silent = TilePrediction()

    /// Runs the decisions. An encoder passes what it chose, nil for a tile that is not predicted; a decoder gets what its
    /// octets say, `silent` where they end too early.
    func code<Coder: BinaryCoder>(_ coder: inout Coder, _ prediction: inout TilePrediction?) {
        coder.enter(.prediction)
        var known: TilePrediction? = Self.silent
        let isPredicted = decide(&coder, prediction != nil, PredictionCell.isPredicted)
        if isPredicted {
            var parts = prediction ?? TilePrediction()
            codeProfile(&coder, &parts)
            codeMap(&coder, &parts)
            codeOffset(&coder, &parts)
            known = parts
        } else {
            known = nil
        }
        guard Coder.isDecoder else { return }
        prediction = coder.isStopped ? Self.silent : known
    }

    private func codeProfile<Coder: BinaryCoder>(_ coder: inout Coder, _ prediction: inout TilePrediction) {
        prediction.profile = codeTree(&coder, prediction.profile, bits: 3, PredictionCell.profile)
        if Coder.isDecoder, coder.isStopped { return }
        let hasWeights = decide(
            &coder, prediction.quarters != nil, PredictionCell.hasWeights + prediction.profile)
        guard hasWeights else { return }
        let (levelCount, classCount) = (PredictionModel.levelCount, PredictionModel.classCount)
        var quarters = prediction.quarters ?? [UInt8](repeating: 0, count: levelCount * classCount)
        let classes = ContextTables.componentClass(components - 1) + 1
        for level in 0...min(levels, levelCount - 1) {
            for componentClass in 0..<classes {
                let sixteenths = model.weight(
                    profile: prediction.profile, level: level, componentClass: componentClass)
                let near = Int(sixteenths + 2) / 4
                let context = (level * classCount + componentClass) * PredictionModel.steps + near
                let index = level * classCount + componentClass
                quarters[index] = UInt8(
                    codeValue(
                        &coder, Int(quarters[index]), PredictionModel.steps, PredictionCell.weight + context * 4))
                if Coder.isDecoder, coder.isStopped { return }
            }
        }
        prediction.quarters = quarters
    }

    private func codeMap<Coder: BinaryCoder>(_ coder: inout Coder, _ prediction: inout TilePrediction) {
        guard decide(&coder, prediction.map != nil, PredictionCell.hasMap) else { return }
        let size = codeTree(&coder, prediction.map?.sizeIndex ?? 0, bits: 2, PredictionCell.blockSize)
        if Coder.isDecoder, coder.isStopped { return }
        var map =
            prediction.map
            ?? TilePrediction.BlockMap(sizeIndex: size, tileRows: tileRows, tileColumns: tileColumns)
        for row in 0..<map.rows {
            for column in 0..<map.columns {
                let index = row * map.columns + column
                let left = column == 0 ? 0 : (map.isOn[index - 1] ? 2 : 1)
                let above = row == 0 ? 0 : (map.isOn[index - map.columns] ? 2 : 1)
                map.isOn[index] = decide(&coder, map.isOn[index], PredictionCell.block + left * 3 + above)
                if Coder.isDecoder, coder.isStopped { return }
            }
        }
        prediction.map = map
    }

    private func codeOffset<Coder: BinaryCoder>(_ coder: inout Coder, _ prediction: inout TilePrediction) {
        guard decide(&coder, prediction.offset != .none, PredictionCell.isMoved) else { return }
        let limit = TilePrediction.offsetLimit
        let (row, column) = (prediction.offset.row + limit, prediction.offset.column + limit)
        prediction.offset.row = codeValue(&coder, row, 2 * limit + 1, PredictionCell.offset) - limit
        prediction.offset.column = codeValue(&coder, column, 2 * limit + 1, PredictionCell.offset + 4) - limit
    }

    /// A number of `bits` bits, most significant first, each with the cell of its node.
    private func codeTree<Coder: BinaryCoder>(
        _ coder: inout Coder, _ value: Int, bits: Int, _ cells: Int
    ) -> Int {
        var node = 1
        for bit in stride(from: bits - 1, through: 0, by: -1) {
            node = 2 * node + (decide(&coder, value >> bit & 1 == 1, cells + node) ? 1 : 0)
        }
        return node - 1 << bits
    }

    /// A number below `count`: for j = 0, 1 … whether it is above j, until it is not.
    private func codeValue<Coder: BinaryCoder>(
        _ coder: inout Coder, _ value: Int, _ count: Int, _ cells: Int
    ) -> Int {
        for j in 0..<count - 1 {
            guard decide(&coder, value > j, cells + j) else { return j }
        }
        return count - 1
    }

    /// One decision; false where a decoder stopped.
    @inline(__always)
    private func decide<Coder: BinaryCoder>(_ coder: inout Coder, _ bit: Bool, _ context: Int) -> Bool {
        if Coder.isDecoder, coder.isStopped { return false }
        let cell = cells + context
        let decided = coder.code(bit ? 1 : 0, probability: Cell.probability(cell.pointee))
        if Coder.isDecoder && coder.isStopped { return false }
        cell.pointee = Cell.updated(cell.pointee, bit: decided, rates: rates)
        return decided != 0
    }
}
