public import PerigeeCore
public import PerigeeFirmware
import PerigeeJSON

/// Makes of a trained bundle one that can be signed and installed: with a version that counts, a time, and a self-test.
public enum ReleaseMaker {
    /// The bundle of `directory` as release `version`, packed and not signed. Its files stay as they are; the manifest gets
    /// the new members, so the release has an id of its own. It decodes what the bundle did: `compatible` says so.
    public static func make(
        directory: String, version: UInt64, created: Timestamp
    ) throws(RolloutError) -> PackedBundle {
        let (source, bundle) = try firmware { () throws(FirmwareError) in
            (try PackedBundle(directory: directory), try FirmwareBundle.load(directory: directory))
        }
        let test = try SelfTest.make(bundle)
        let names = bundle.manifest.files.map(\.name).filter { $0 != FirmwareManifest.selfTestFile }
        var files = source.files.filter { names.contains($0.name) }
        files.append((FirmwareManifest.selfTestFile, test.octets))
        return try firmware { () throws(FirmwareError) in
            let packed = try PackedBundle(
                manifest: manifest(
                    source.manifestOctets, files, version: version, created: created,
                    compatible: [bundle.id] + bundle.manifest.compatible),
                signature: nil, files: files)
            guard try packed.contents().release == version else {
                throw .unusable(field: "version", found: "\(version)", expected: "a whole number of 1 or more")
            }
            return packed
        }
    }

    /// The manifest with other files, version, time and compatible bundles; what else stands in it stays.
    package static func manifest(
        _ octets: [UInt8], _ files: [(name: String, octets: [UInt8])], version: UInt64, created: Timestamp,
        compatible: [UInt32] = []
    ) throws(FirmwareError) -> [UInt8] {
        let json: JSONValue
        do { json = try JSONValue(parsing: octets[...], depthLimit: 8) } catch {
            throw .unusable(
                field: FirmwareManifest.manifestFile, found: "\(error.problem) at octet \(error.offset)",
                expected: "JSON")
        }
        guard case .object(let members) = json else {
            throw .unusable(field: FirmwareManifest.manifestFile, found: "no object", expected: "an object")
        }
        let list = files.map { file in
            JSONValue.Member(
                file.name,
                .object([
                    "size": .integer(file.octets.count), "sha256": .string(Hex.text(SHA256.digest(file.octets))),
                ]))
        }
        var made = members.filter { $0.name != "created" && $0.name != "compatible" }
        for index in made.indices {
            switch made[index].name {
            case "version": made[index].value = .string("\(version)")
            case "files": made[index].value = .object(list)
            default: break
            }
        }
        made.append(JSONValue.Member("created", .string(created.rfc3339)))
        let known = compatible.prefix(FirmwareManifest.compatibleLimit)
        if !known.isEmpty {
            made.append(JSONValue.Member("compatible", .array(known.map { .string(Hex.text($0)) })))
        }
        return Array((JSONValue.object(made).indented + "\n").utf8)
    }
}

/// Runs `body`, and gives its error this module's type.
func firmware<Value>(_ body: () throws(FirmwareError) -> Value) throws(RolloutError) -> Value {
    do { return try body() } catch { throw .firmware(error) }
}
