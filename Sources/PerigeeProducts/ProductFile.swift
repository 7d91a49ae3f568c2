import FoundationEssentials
import PerigeeCore
import PerigeeJSON

/// Small files beside products.
enum ProductFile {
    /// What a product on the disk was made of.
    struct Origin: Equatable {
        let packets: Int
        let packetSize: Int
        let layerLimit: Int?
        let software: String

        init(_ facts: ProductFacts) {
            (packets, packetSize) = (facts.packetCount, facts.packetSize)
            (layerLimit, software) = (facts.layerLimit, facts.software)
        }

        /// From an item's properties; nil where they do not say it.
        fileprivate init?(_ properties: JSONValue) {
            guard let packets = properties["perigee:packets"]?.int,
                let packetSize = properties["perigee:packet_bytes"]?.int
            else { return nil }
            (self.packets, self.packetSize) = (packets, packetSize)
            layerLimit = properties["perigee:layer_limit"]?.int
            guard case .string(let software)? = properties["processing:software"]?["perigee"] else { return nil }
            self.software = software
        }
    }

    private static let itemLimit = 8 << 20
    private static let depthLimit = 16

    static func makeDirectory(_ path: String) throws(ProductError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch { throw .file(path: path, operation: "make folder", reason: "\(error)") }
    }

    /// Writes JSON under a temporary name, then gives it its own.
    static func write(_ value: JSONValue, to path: String) throws(ProductError) {
        do {
            try Data((value.indented + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
        } catch { throw .file(path: path, operation: "write", reason: "\(error)") }
    }

    static func remove(_ path: String) {
        if exists(path) { try? FileManager.default.removeItem(atPath: path) }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// What the item at `path` says it was made of; nil where there is none, or another's.
    static func made(of path: String) -> Origin? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= itemLimit,
            let item = try? JSONValue(parsing: Array(data)[...], depthLimit: depthLimit)
        else { return nil }
        return item["properties"].flatMap(Origin.init)
    }
}
