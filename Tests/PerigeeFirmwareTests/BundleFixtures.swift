import Foundation
import PerigeeCore
import PerigeeFirmware

/// A directory of its own, removed when the value goes.
final class TemporaryDirectory {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("perigee-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }
}

/// Octets of a safetensors file from its header text and data.
func safetensors(_ header: String, _ data: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt64(header.utf8.count))
    writer.write(header.utf8)
    writer.write(data)
    return writer.bytes
}

/// Two tensors: "a" [2] F64 of 1.5 and -2, "b" [2, 2] U16 of 1 to 4.
let goodHeader = """
    {"__metadata__": {"made": "by hand"}, "b": {"dtype": "U16", "shape": [2, 2], "data_offsets": [16, 24]},
    "a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}
    """

let goodData: [UInt8] = {
    var writer = ByteWriter()
    writer.write(1.5)
    writer.write(-2.0)
    for value in 1...4 { writer.write(UInt16(value)) }
    return writer.bytes
}()

/// A manifest for one file.
func manifest(file: String, size: Int, sha256: String, name: String = "test") -> String {
    """
    {"format": 1, "name": "\(name)", "version": "0.1", "created": "2026-01-01T00:00:00Z",
     "profiles": [{"name": "two-bands", "platform": "test-1", "instruments": ["eye"], "sampleType": "uint16",
       "scale": 0.0001, "offset": -0.1, "nodata": 0, "peak": 10000, "bands": [
        {"name": "red", "centerWavelength": 0.66, "fullWidthHalfMax": 0.03, "groundSamplingDistance": 10},
        {"name": "mask", "isCategorical": true}]},
      {"name": "plain", "platform": null, "sampleType": "float32", "nodata": "nan", "peak": 1, "bands": [{"name": "x"}]}],
     "training": [], "files": {"\(file)": {"size": \(size), "sha256": "\(sha256)"}}}
    """
}

/// Writes a whole bundle into `name`; returns the octets of its manifest.
@discardableResult
func writeBundle(_ directory: TemporaryDirectory, _ name: String, title: String = "test") throws -> [UInt8] {
    let file = safetensors(goodHeader, goodData)
    let text = manifest(
        file: "model.safetensors", size: file.count, sha256: Hex.text(SHA256.digest(file)), name: title)
    try directory.write(file, to: "\(name)/model.safetensors")
    try directory.write(Array(text.utf8), to: "\(name)/manifest.json")
    return Array(text.utf8)
}

enum BundleFixture {
    static func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
}
