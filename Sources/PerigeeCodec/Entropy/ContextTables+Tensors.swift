public import PerigeeCore

// Between the tables and a firmware bundle. Names, shapes and order: Docs/packet-format.md section 5.7.
extension ContextTables {
    private static let prefix = "tokens/"
    private static let layout: [(name: String, offset: Int, shape: [Int])] = [
        ("significance", significanceOffset, significanceShape),
        ("sign", signOffset, signShape),
        ("refinement", refinementOffset, refinementShape),
        ("flags", flagOffset, flagShape),
    ]

    /// The tables of a bundle; `untrained` where it has no tensor whose name begins with `tokens/`. One that has any must
    /// have all.
    public init(tensors: [String: Tensor]) throws(CodecError) {
        guard tensors.keys.contains(where: { $0.hasPrefix(Self.prefix) }) else {
            self = .untrained
            return
        }
        var cells: [UInt32] = []
        for (name, _, shape) in Self.layout {
            let field = Self.prefix + name
            guard let tensor = tensors[field], case .uint32(let values) = tensor.values else {
                throw .unusable(field: field, found: "absent or of another type", expected: "u32 \(shape)")
            }
            guard tensor.shape == shape, values.count == shape.reduce(1, *) else {
                throw .mismatch(field: field, found: "shape \(tensor.shape)", expected: "\(shape)")
            }
            cells += values
        }
        let field = Self.prefix + "centroids"
        guard let tensor = tensors[field], case .uint16(let centroids) = tensor.values else {
            throw .unusable(field: field, found: "absent or of another type", expected: "u16 \(Self.centroidShape)")
        }
        guard tensor.shape == Self.centroidShape, centroids.count == Self.centroidShape.reduce(1, *) else {
            throw .mismatch(field: field, found: "shape \(tensor.shape)", expected: "\(Self.centroidShape)")
        }
        self.init(cells: cells, centroids: centroids)
    }

    /// The tables as tensors of a bundle.
    public func tensors() -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for (name, offset, shape) in Self.layout {
            let values = Array(cells[offset..<offset + shape.reduce(1, *)])
            tensors[Self.prefix + name] = Tensor(shape: shape, values: .uint32(values))
        }
        tensors[Self.prefix + "centroids"] = Tensor(shape: Self.centroidShape, values: .uint16(centroids))
        return tensors
    }
}
