import Foundation
import PerigeeCore
import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Testing

/// Releases of the shipped bundle.
enum Releases {
    static let shipped = "\(SharedData.packageRoot)/Firmware/perigee-1"

    static func make(version: UInt64) throws -> PackedBundle {
        try ReleaseMaker.make(
            directory: shipped, version: version,
            created: try #require(Timestamp(rfc3339: "2026-01-02T03:04:05Z")))
    }

    static func unpack(_ packed: PackedBundle, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for file in packed.files { try Data(file.octets).write(to: URL(filePath: "\(folder)/\(file.name)")) }
    }

    /// A release whose token tables are not those that its self-test was made with; its digests are right.
    static func changed(_ packed: PackedBundle, version: UInt64) throws -> PackedBundle {
        var files = packed.files.filter { !$0.name.hasPrefix("manifest.json") }
        let place = try #require(files.firstIndex { $0.name == "model.safetensors" })
        var tensors = try Safetensors.parse(files[place].octets, file: "model.safetensors")
        for (name, tensor) in tensors where name.hasPrefix("tokens/") {
            guard case .uint32(let numbers) = tensor.values else { continue }
            tensors[name] = Tensor(shape: tensor.shape, values: .uint32(numbers.reversed()))
        }
        files[place].octets = Safetensors.pack(tensors)
        let manifest = try ReleaseMaker.manifest(
            packed.manifestOctets, files, version: version,
            created: try #require(Timestamp(rfc3339: "2026-01-02T03:04:05Z")))
        return try PackedBundle(manifest: manifest, signature: nil, files: files)
    }
}
