package import PerigeeCore

/// What the ring of raw frames keeps of one: its samples, and how it was encoded, so that the layers that were sent come out again, octet
/// for octet, and more behind them.
package struct RawFrame: Equatable, Sendable {
    private static let version: UInt8 = 1
    private static let budgetLimit = 1 << 40

    /// Number of its declaration.
    package var declaration: Int
    /// As its first packet has it.
    package var metadata: [UInt8]
    /// Cumulative budgets of its transform layers.
    package var budgets: [Int]
    /// The ratio that each of them was aimed at.
    package var ratios: [Int]
    /// The layer at whose end a prediction had to pay.
    package var aimedLayer: Int
    /// Its head names a residual layer, which follows the others.
    package var hasResidual: Bool
    /// Over its transform layers, each behind its size.
    package var checksum: UInt32
    /// The samples as zstd.
    package var samples: [UInt8]

    /// See the properties.
    package init(
        declaration: Int, metadata: [UInt8], budgets: [Int], ratios: [Int], aimedLayer: Int, hasResidual: Bool,
        checksum: UInt32, samples: [UInt8]
    ) {
        self.declaration = declaration
        self.metadata = metadata
        self.budgets = budgets
        self.ratios = ratios
        self.aimedLayer = aimedLayer
        self.hasResidual = hasResidual
        self.checksum = checksum
        self.samples = samples
    }

    /// Layers that can be made of it.
    package var layerCount: Int { budgets.count + (hasResidual ? 1 : 0) }

    /// The checksum of transform layers.
    package static func checksum(of layers: some Sequence<[UInt8]>) -> UInt32 {
        layers.reduce(0) { sum, layer in
            var size = ByteWriter()
            size.writeVarint(layer.count)
            return CRC32C.checksum(layer, seed: CRC32C.checksum(size.bytes, seed: sum))
        }
    }
}

extension RawFrame {
    /// As the spool keeps it (Docs/spool.md section 3).
    package func packed() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.version)
        writer.writeVarint(declaration)
        writer.writeVarint(metadata.count)
        writer.write(metadata)
        writer.writeVarint(budgets.count)
        for (budget, ratio) in zip(budgets, ratios) {
            writer.writeVarint(budget)
            writer.writeVarint(ratio)
        }
        writer.writeVarint(aimedLayer)
        writer.write(UInt8(hasResidual ? 1 : 0))
        writer.write(checksum)
        writer.write(samples)
        return writer.bytes
    }

    /// Reads what `packed` made.
    package init(parsing octets: [UInt8]) throws(FormatError) {
        var reader = ByteReader(octets[...])
        let version = try reader.read("raw frame version", as: UInt8.self)
        guard version == Self.version else {
            throw .unknown(field: "raw frame version", value: "\(version)", expected: "\(Self.version)")
        }
        declaration = try reader.readVarint("declaration number", limit: Packet.declarationLimit)
        let size = try reader.readVarint("metadata size", limit: Packet.sizeLimit)
        metadata = Array(try reader.read("metadata", count: size))
        let count = try reader.readVarint("layer count", limit: 64)
        budgets = []
        ratios = []
        for _ in 0..<count {
            budgets.append(try reader.readVarint("budget", limit: Self.budgetLimit))
            ratios.append(try reader.readVarint("ratio", limit: Int(Int32.max)))
        }
        aimedLayer = try reader.readVarint("aimed layer", limit: 63)
        hasResidual = try reader.read("residual flag", as: UInt8.self) != 0
        checksum = try reader.read("layer checksum", as: UInt32.self)
        samples = Array(reader.readRest())
    }
}
