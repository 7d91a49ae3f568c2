public import PerigeeCore

/// Everything learned that encoder and decoder share: a directory of `manifest.json` and the files that it names.
public struct FirmwareBundle: Sendable {
    public static let fileLimit = 64
    /// Octets of one file.
    public static let fileSizeLimit = 64 << 20
    /// Octets of all files.
    public static let totalSizeLimit = 128 << 20

    public let manifest: FirmwareManifest
    /// The tensors of all files that end in `.safetensors`, by name.
    public let tensors: [String: Tensor]
    /// The octets of `selftest.json`, where it has one: frames that a codec tries the bundle with.
    public let selfTest: [UInt8]?

    /// What declarations name: see `FirmwareManifest.id`.
    public var id: UInt32 { manifest.id }
    /// Sensors in the order in which declarations count them.
    public var profiles: [SensorProfile] { manifest.profiles }

    /// Reads a bundle whole and checks size and SHA-256 of each file. Blocks; call it at start-up or on a thread for it.
    public static func load(directory: String) throws(FirmwareError) -> FirmwareBundle {
        try load(readManifest(directory: directory)) { (file) throws(FirmwareError) in
            try BundleFile.read("\(directory)/\(file.name)", field: file.name, limit: file.size)
        }
    }

    /// The bundle of a packed one, whose every octet is checked.
    public static func load(_ packed: PackedBundle) throws(FirmwareError) -> FirmwareBundle {
        let manifest = try packed.contents()
        let files = packed.files
        return try load(manifest) { (file) in files.first { $0.name == file.name }?.octets ?? [] }
    }

    private static func load(
        _ manifest: FirmwareManifest, _ read: (FirmwareManifest.File) throws(FirmwareError) -> [UInt8]
    ) throws(FirmwareError) -> FirmwareBundle {
        var tensors: [String: Tensor] = [:]
        var selfTest: [UInt8]?
        for file in manifest.files {
            let bytes = try read(file)
            guard bytes.count == file.size else {
                throw .unusable(field: "\(file.name) size", found: "\(bytes.count)", expected: "\(file.size)")
            }
            let digest = SHA256.digest(bytes)
            guard digest == file.sha256 else {
                throw .digest(file: file.name, found: digest, expected: file.sha256)
            }
            if file.name == FirmwareManifest.selfTestFile { selfTest = bytes }
            guard file.name.hasSuffix(".safetensors") else { continue }
            for (name, tensor) in try Safetensors.parse(bytes, file: file.name) {
                guard tensors.updateValue(tensor, forKey: name) == nil else {
                    throw .unusable(
                        field: "\(file.name) tensor", found: "\(name), which another file has too",
                        expected: "each name once")
                }
            }
        }
        return FirmwareBundle(manifest: manifest, tensors: tensors, selfTest: selfTest)
    }

    /// Reads the manifest alone.
    static func readManifest(directory: String) throws(FirmwareError) -> FirmwareManifest {
        try FirmwareManifest(
            parsing: BundleFile.read(
                "\(directory)/\(FirmwareManifest.manifestFile)", field: FirmwareManifest.manifestFile,
                limit: FirmwareManifest.sizeLimit))
    }
}
