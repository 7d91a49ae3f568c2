public import PerigeeCore

// Between the tables and a firmware bundle. Names, shapes and order: Docs/packet-format.md section 5.7.
extension ContextTables {
    /// Before the names of the tables of plain tiles, and of those that a prediction was taken off.
    static let plainPrefix = "tokens/"
    static let predictedPrefix = "history/tokens/"

    /// The tables of a bundle; `untrained` where it has no tensor whose name begins with `tokens/`. One that has any must
    /// have all.
    public init(tensors: [String: Tensor]) throws(CodecError) {
        try self.init(tensors: tensors, prefix: Self.plainPrefix)
    }

    init(tensors: [String: Tensor], prefix: String) throws(CodecError) {
        guard tensors.keys.contains(where: { $0.hasPrefix(prefix) }) else {
            self = .untrained
            return
        }
        var cells: [UInt32] = []
        for table in ContextTable.all {
            cells += try Self.values(prefix + table.name, table.shape, type: "u32", in: tensors) {
                if case .uint32(let values) = $0 { values } else { nil }
            }
        }
        var weights: [Int32] = []
        for table in WeightTable.all {
            weights += try Self.values(prefix + table.name, table.shape, type: "i32", in: tensors) {
                if case .int32(let values) = $0 { values } else { nil }
            }
        }
        let centroids = try Self.values(prefix + "centroids", Self.centroidShape, type: "u16", in: tensors) {
            if case .uint16(let values) = $0 { values } else { nil }
        }
        self.init(cells: cells, weights: weights, centroids: centroids)
    }

    private static func values<Number>(
        _ field: String, _ shape: [Int], type: String, in tensors: [String: Tensor],
        _ read: (Tensor.Values) -> [Number]?
    ) throws(CodecError) -> [Number] {
        guard let tensor = tensors[field], let values = read(tensor.values) else {
            throw .unusable(field: field, found: "absent or of another type", expected: "\(type) \(shape)")
        }
        guard tensor.shape == shape, values.count == shape.reduce(1, *) else {
            throw .mismatch(field: field, found: "shape \(tensor.shape)", expected: "\(shape)")
        }
        return values
    }

    /// The tables as tensors of a bundle.
    public func tensors() -> [String: Tensor] { tensors(prefix: Self.plainPrefix) }

    func tensors(prefix: String) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        var offset = 0
        for table in ContextTable.all {
            let values = Array(cells[offset..<offset + table.count])
            tensors[prefix + table.name] = Tensor(shape: table.shape, values: .uint32(values))
            offset += table.count
        }
        offset = 0
        for table in WeightTable.all {
            let values = Array(weights[offset..<offset + table.count])
            tensors[prefix + table.name] = Tensor(shape: table.shape, values: .int32(values))
            offset += table.count
        }
        tensors[prefix + "centroids"] = Tensor(shape: Self.centroidShape, values: .uint16(centroids))
        return tensors
    }
}
