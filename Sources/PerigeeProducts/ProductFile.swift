import Foundation
import PerigeeCore

/// Small files beside products.
enum ProductFile {
    /// What a product on the disk was made of.
    struct Origin: Equatable {
        let packets: Int
        let packetSize: Int
        let layerLimit: Int?
        let software: String?

        init(_ facts: ProductFacts) {
            (packets, packetSize) = (facts.packetCount, facts.packetSize)
            (layerLimit, software) = (facts.layerLimit, facts.software)
        }

        fileprivate init(_ fields: ItemFields.Properties) {
            (packets, packetSize) = (fields.packets, fields.packetSize)
            (layerLimit, software) = (fields.layerLimit, fields.software["perigee"])
        }
    }

    fileprivate struct ItemFields: Decodable {
        struct Properties: Decodable {
            let packets: Int
            let packetSize: Int
            let layerLimit: Int?
            let software: [String: String]

            enum CodingKeys: String, CodingKey {
                case packets = "perigee:packets"
                case packetSize = "perigee:packet_bytes"
                case layerLimit = "perigee:layer_limit"
                case software = "processing:software"
            }
        }
        let properties: Properties
    }

    private static let itemLimit = 8 << 20

    static func makeDirectory(_ path: String) throws(ProductError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch { throw .file(path: path, operation: "make folder", reason: error.localizedDescription) }
    }

    /// Writes JSON under a temporary name, then gives it its own.
    static func write(_ value: STACValue, to path: String) throws(ProductError) {
        do {
            try Data(try value.packed()).write(to: URL(filePath: path), options: .atomic)
        } catch { throw .file(path: path, operation: "write", reason: error.localizedDescription) }
    }

    static func remove(_ path: String) {
        if exists(path) { try? FileManager.default.removeItem(atPath: path) }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// What the item at `path` says it was made of; nil where there is none, or another's.
    static func made(of path: String) -> Origin? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= itemLimit,
            let fields = try? JSONDecoder().decode(ItemFields.self, from: data)
        else { return nil }
        return Origin(fields.properties)
    }
}
