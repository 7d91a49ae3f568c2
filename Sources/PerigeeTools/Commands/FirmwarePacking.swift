import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeLink
import PerigeeRollout
import PerigeeTransport

/// Packing, signing and checking of bundles.
enum FirmwarePacking {
    /// `perigee firmware pack`.
    static func pack(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let folder = arguments.positionals[0], output = arguments.text("output") ?? ""
        let key = try FirmwareSigning.secretKey(arguments)
        var packed: PackedBundle
        do throws(RolloutError) {
            if let version = arguments.integer("release") {
                packed = try ReleaseMaker.make(
                    directory: folder, version: UInt64(version),
                    created: arguments.datetime("created") ?? currentTime().utc)
            } else {
                packed = try folderBundle(folder)
            }
        } catch { throw CommandFailure(error) }
        let manifest = try manifest(packed)
        if let key { packed = try sign(packed, manifest, key, arguments) }
        try FileOctets.write(packed.octets, to: output)
        report(packed, manifest, isJSON: arguments.flag("json"), "packed into \(output)")
        return .ok
    }

    /// `perigee firmware sign`.
    static func sign(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let path = arguments.positionals[0]
        let bundle = try read(path), manifest = try manifest(bundle)
        guard let key = try FirmwareSigning.secretKey(arguments) else { return .usage }
        let signed = try sign(bundle, manifest, key, arguments)
        if InstallationFolders.isFolder(path) {
            try FileOctets.write(
                signed.signatureOctets ?? [], to: "\(path)/\(FirmwareManifest.signatureFile)")
        } else {
            try FileOctets.write(signed.octets, to: path)
        }
        report(signed, manifest, isJSON: arguments.flag("json"), "signed by key \(key.publicKey.id)")
        return .ok
    }

    /// `perigee firmware verify`.
    static func verify(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let keys = try trustedKeys(arguments)
        let path = arguments.positionals[0]
        let bundle = try read(path)
        let key: SigningKeyID
        do throws(FirmwareError) { key = try bundle.verify(keys) } catch { throw CommandFailure(error) }
        let manifest = try manifest(bundle)
        guard manifest.release != nil else {
            throw CommandFailure(
                .data,
                "version of \(path) is \"\(manifest.version)\", expected a whole number of 1 or more: "
                    + "make a release with `perigee firmware pack --release`")
        }
        do throws(RolloutError) { try SelfTest.run(bundle) } catch { throw CommandFailure(error) }
        report(bundle, manifest, isJSON: arguments.flag("json"), "good, signed by key \(key)")
        return .ok
    }

    static func trustedKeys(_ arguments: Arguments) throws(CommandFailure) -> TrustedKeys {
        do throws(FirmwareError) {
            var keys: [SigningPublicKey] = []
            for file in arguments.texts("public-key") { keys.append(try TrustedKeys.key(file: file)) }
            if let folder = arguments.text("keys") { keys += try TrustedKeys(directory: folder).keys }
            if !keys.isEmpty { return TrustedKeys(keys) }
        } catch { throw CommandFailure(error) }
        throw CommandFailure(.usage, "no key to check with: give --public-key FILE, or --keys DIR with *.pub files")
    }

    /// A packed bundle, or a folder packed in memory.
    static func read(_ path: String) throws(CommandFailure) -> PackedBundle {
        do throws(FirmwareError) {
            return try InstallationFolders.isFolder(path) ? PackedBundle(directory: path) : PackedBundle(file: path)
        } catch { throw CommandFailure(error) }
    }

    private static func folderBundle(_ folder: String) throws(RolloutError) -> PackedBundle {
        do { return try PackedBundle(directory: folder) } catch { throw .firmware(error) }
    }

    private static func manifest(_ bundle: PackedBundle) throws(CommandFailure) -> FirmwareManifest {
        do { return try bundle.contents() } catch { throw CommandFailure(error) }
    }

    private static func sign(
        _ bundle: PackedBundle, _ manifest: FirmwareManifest, _ key: SigningSecretKey, _ arguments: Arguments
    ) throws(CommandFailure) -> PackedBundle {
        let comment =
            arguments.text("comment")
            ?? "\(manifest.name) version \(manifest.version), signed \(currentTime().utc.rfc3339)"
        do { return try bundle.signed(by: key, comment: comment) } catch { throw CommandFailure(error) }
    }

    static func report(_ bundle: PackedBundle, _ manifest: FirmwareManifest, isJSON: Bool, _ what: String) {
        guard isJSON else {
            Terminal.print(
                "\(manifest.name) version \(manifest.version), firmware \(Hex.text(manifest.id)), "
                    + "\(Table.group(bundle.octets.count)) octets: \(what)")
            return
        }
        let signature = bundle.signatureOctets.flatMap { try? DetachedSignature(parsing: $0) }
        Terminal.print(
            JSONValue.object([
                "name": .string(manifest.name), "version": .string(manifest.version),
                "firmware": .string(Hex.text(manifest.id)), "created": .optional(manifest.created),
                "bytes": .integer(bundle.octets.count), "sha256": .string(Hex.text(bundle.digest)),
                "key": .optional(signature.map { "\($0.keyID)" }),
                "trusted_comment": .optional(signature?.trustedComment),
                "files": .object(
                    manifest.files.map { JSONValue.Member($0.name, .integer($0.size)) }),
            ]).indented)
    }
}
