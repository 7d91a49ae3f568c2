public import PerigeeCore
import PerigeeJSON

/// `manifest.json` of a bundle: what it is called, the sensors that it knows, and what its files must be.
public struct FirmwareManifest: Equatable, Sendable {
    /// Octets of `manifest.json`.
    public static let sizeLimit = 1 << 20
    /// The format that this reader knows.
    public static let format = 1
    /// Bundles that one may name as compatible.
    public static let compatibleLimit = 256

    /// What one file must be.
    public struct File: Equatable, Sendable {
        public let name: String
        /// Octets.
        public let size: Int
        /// 32 octets.
        public let sha256: [UInt8]
    }

    /// First four octets of the SHA-256 of `manifest.json`, as a little-endian number: what declarations name.
    public let id: UInt32
    public let name: String
    public let version: String
    /// The version where it is a whole number of 1 or more in plain digits, as bundles that are installed must have it: it
    /// grows with every bundle, and an older one is not taken back. nil where it is any other text.
    public var release: UInt64? { Self.release(version) }
    /// When the bundle was made, as its maker wrote it.
    public let created: String?
    /// Identities of other bundles whose streams this one decodes to the same samples: what was remembered of them stays of use.
    public let compatible: [UInt32]
    /// In the order in which declarations count them.
    public let profiles: [SensorProfile]
    public let files: [File]

    /// Reads the octets of `manifest.json`; keys that it does not know are left alone.
    public init(parsing bytes: [UInt8]) throws(FirmwareError) {
        guard bytes.count <= Self.sizeLimit else {
            throw .outOfRange(field: "manifest.json size", value: bytes.count, limit: Self.sizeLimit)
        }
        let digest = SHA256.digest(bytes)
        id = UInt32(digest[0]) | UInt32(digest[1]) << 8 | UInt32(digest[2]) << 16 | UInt32(digest[3]) << 24
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes[...], depthLimit: 8) } catch {
            throw .unusable(
                field: "manifest.json", found: "\(error.problem) at octet \(error.offset)", expected: "JSON")
        }
        let fields = ManifestFields(json, path: "manifest.json")
        guard let format = json["format"]?.int, format == Self.format else {
            throw .unusable(
                field: "manifest.json format", found: json["format"]?.description ?? "absent",
                expected: "\(Self.format)")
        }
        name = try fields.text("name")
        version = try fields.text("version")
        created = try fields.optionalText("created")
        compatible = try fields.texts("compatible", limit: Self.compatibleLimit).map { (text) throws(FirmwareError) in
            guard text.utf8.count == 8, let octets = Hex.bytes(text) else {
                throw .unusable(
                    field: "manifest.json compatible", found: "\"\(text)\"",
                    expected: "identities of bundles, each of 8 hexadecimal digits")
            }
            return octets.reduce(0) { $0 << 8 | UInt32($1) }
        }
        profiles = try fields.list("profiles", limit: 256).map { (item) throws(FirmwareError) in
            try SensorProfile(manifest: item)
        }
        files = try Self.files(json)
    }

    private static func files(_ json: JSONValue) throws(FirmwareError) -> [File] {
        guard case .object(let members)? = json["files"] else {
            throw .unusable(field: "manifest.json files", found: "absent or no object", expected: "an object")
        }
        guard members.count <= FirmwareBundle.fileLimit else {
            throw .outOfRange(field: "manifest.json files", value: members.count, limit: FirmwareBundle.fileLimit)
        }
        var files: [File] = []
        for member in members {
            let field = "manifest.json files \(member.name)"
            // plain names only: a bundle never reaches outside of its directory
            guard isPlainName(member.name), !reservedNames.contains(member.name),
                !files.contains(where: { $0.name == member.name })
            else {
                throw .unusable(
                    field: "manifest.json file name", found: "\"\(member.name)\"",
                    expected: "each once, of letters, digits, dot, dash and underscore")
            }
            guard let size = member.value["size"]?.int, size >= 0, size <= FirmwareBundle.fileSizeLimit else {
                throw .unusable(
                    field: "\(field) size", found: member.value["size"]?.description ?? "absent",
                    expected: "at most \(FirmwareBundle.fileSizeLimit) octets")
            }
            guard case .string(let text)? = member.value["sha256"], let digest = Hex.bytes(text), digest.count == 32
            else {
                throw .unusable(
                    field: "\(field) sha256", found: member.value["sha256"]?.description ?? "absent",
                    expected: "64 hexadecimal digits")
            }
            files.append(File(name: member.name, size: size, sha256: digest))
        }
        let total = files.reduce(0) { $0 + $1.size }
        guard total <= FirmwareBundle.totalSizeLimit else {
            throw .outOfRange(field: "manifest.json files size", value: total, limit: FirmwareBundle.totalSizeLimit)
        }
        return files
    }

    /// The counter that a version is; nil where it is none.
    public static func release(_ version: String) -> UInt64? {
        guard let number = UInt64(version), (1...UInt64(Int.max)).contains(number), String(number) == version else {
            return nil
        }
        return number
    }

    /// The name of the manifest itself, of its signature, and of the vectors that a bundle is tried with.
    public static let manifestFile = "manifest.json", signatureFile = "manifest.json.minisig"
    public static let selfTestFile = "selftest.json"
    private static let reservedNames = [manifestFile, signatureFile]

    static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64 && !name.hasPrefix(".") && name.utf8.allSatisfy(isPlain)
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
