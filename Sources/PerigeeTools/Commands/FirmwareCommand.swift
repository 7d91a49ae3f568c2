import PerigeeCommandLine
import PerigeeFirmware
import PerigeeRollout

/// `perigee firmware`: bundles as releases, signed and packed, and the slots of a station.
enum FirmwareCommand {
    static let secretKey = Option.value(
        "secret-key", .file, as: "FILE", help: "Secret key to sign with, in minisign's format")
    static let passwordFile = Option.value(
        "password-file", .file, as: "FILE", help: "File whose first line opens the secret key")
    private static let comment = Option.value(
        "comment", .text, as: "TEXT", help: "Trusted comment of the signature; else version and time")
    static let slots = Option.value(
        "slots", .directory, as: "DIR", help: "Folder of the station's slots", default: "/var/lib/perigee/firmware")
    private static let keys = Option.value(
        "keys", .directory, as: "DIR", help: "Folder of trusted keys, each *.pub", default: "/etc/perigee/firmware-keys"
    )
    private static let bundle = Positional(
        "BUNDLE", .file, help: "A packed bundle, or the folder of one with manifest.json")

    static let command = Command(
        "firmware", summary: "Pack, sign and check firmware bundles, and install them on a station",
        subcommands: [
            Command(
                "keygen", summary: "Make a pair of keys that sign bundles",
                discussion: [
                    "Files are in minisign's format. The public key goes to /etc/perigee/firmware-keys of every station; the "
                        + "secret one stays off the network."
                ],
                options: [
                    .value("secret-key", .file, as: "FILE", help: "Write the secret key here", isRequired: true),
                    .value("public-key", .file, as: "FILE", help: "Write the public key here", isRequired: true),
                    .value(
                        "password-file", .file, as: "FILE", help: "Encrypt the secret key with the file's first line"),
                    .flag("no-password", help: "Leave the secret key unencrypted, readable by its owner alone"),
                    SharedOptions.json,
                ],
                examples: [
                    Example(
                        "perigee firmware keygen --secret-key release.key --public-key release.pub --password-file pass",
                        "a key that opens with the first line of `pass`")
                ],
                exitCodes: [.unavailable, .io]),
            Command(
                "pack", summary: "Pack a bundle into one file, as a release where --release says its number",
                discussion: [
                    "A release has a version that counts and a self-test: frames that every station decodes and encodes before "
                        + "it uses the bundle. Making one changes the manifest and so the id; the other files stay as they are."
                ],
                options: [
                    .value(
                        "output", short: "o", .file, as: "FILE", help: "Write the packed bundle here", isRequired: true),
                    .value(
                        "release", .integer(1...Int.max), as: "N",
                        help: "Make a release of this number; else pack the folder as it is"),
                    .value("created", .datetime, as: "TIME", help: "When the release was made; else now"),
                    secretKey, passwordFile, comment, SharedOptions.json,
                ],
                positionals: [Positional("FOLDER", .directory, help: "Folder of the bundle")],
                examples: [
                    Example(
                        "perigee firmware pack Firmware/perigee-1 --release 2 -o perigee-2.tar --secret-key release.key",
                        "release 2, signed")
                ],
                exitCodes: [.data, .unavailable, .io, .config]),
            Command(
                "sign", summary: "Sign a bundle",
                discussion: [
                    "Signs manifest.json, which names every other file by its SHA-256, as `minisign -S -H` does. A signature "
                        + "that is there already is replaced."
                ],
                options: [
                    .value(
                        "secret-key", .file, as: "FILE", help: "Secret key to sign with, in minisign's format",
                        isRequired: true), passwordFile, comment, SharedOptions.json,
                ],
                positionals: [bundle],
                examples: [
                    Example("perigee firmware sign perigee-2.tar --secret-key release.key", "with an unencrypted key")
                ],
                exitCodes: [.data, .unavailable, .io]),
            Command(
                "verify", summary: "Check signature, version, files and self-test of a bundle",
                options: [
                    .values("public-key", .file, as: "FILE", help: "A key that may have signed it; may be repeated"),
                    .value("keys", .directory, as: "DIR", help: "Folder of such keys, each *.pub"),
                    SharedOptions.json,
                ],
                positionals: [bundle],
                examples: [
                    Example(
                        "perigee firmware verify perigee-2.tar --public-key release.pub", "as a station would check it")
                ],
                exitCodes: [.data, .unavailable]),
            Command(
                "install", summary: "Install a packed bundle on this station, to be tried",
                discussion: [
                    "Checks it as `verify` does, writes it to the slot that serves nobody, and reads it back. The daemon tries it at its "
                        + "next start, or as soon as it has nothing to do: \(SlotState.frameGoal) frames without a failure keep it, "
                        + "anything else brings back what served before.",
                    "Run it as the user of the daemon, who owns the folder.",
                ],
                options: [
                    slots, keys,
                    .flag("allow-downgrade", help: "Take a version below the highest that this station kept"),
                    SharedOptions.json,
                ],
                positionals: [Positional("FILE", .file, help: "The packed bundle")],
                examples: [
                    Example("sudo -u perigee perigee firmware install perigee-2.tar", "on a station as it is packaged")
                ],
                exitCodes: [.data, .unavailable, .io]),
            Command(
                "ls", summary: "List what lies in the slots, what serves and what is tried",
                options: [slots, SharedOptions.json],
                examples: [Example("perigee firmware ls --json", "for a script")],
                exitCodes: [.unavailable, .io]),
            Command(
                "activate", summary: "Have the bundle tried again that lies in a slot and does not serve",
                discussion: [
                    "After `rollback`, or where the package's bundle took over. It is checked as `install` does and tried as a new one is. What "
                        + "was just installed needs no such word: it is tried by itself."
                ],
                options: [slots, keys, SharedOptions.json],
                examples: [Example("sudo -u perigee perigee firmware activate", "rolled back too soon")],
                exitCodes: [.data, .unavailable, .io]),
            Command(
                "rollback", summary: "End a trial, or let serve again what served before",
                discussion: ["The daemon follows at its next start, or as soon as it has nothing to do."],
                options: [slots, SharedOptions.json],
                examples: [Example("sudo -u perigee perigee firmware rollback", "back to the bundle before")],
                exitCodes: [.unavailable, .io]),
        ])

    static func run(_ arguments: Arguments) throws -> ExitCode {
        switch arguments.path.last {
        case "keygen": try FirmwareSigning.makeKeys(arguments)
        case "pack": try FirmwarePacking.pack(arguments)
        case "sign": try FirmwarePacking.sign(arguments)
        case "install": try FirmwareSlots.install(arguments)
        case "ls": try FirmwareSlots.list(arguments)
        case "activate": try FirmwareSlots.activate(arguments)
        case "rollback": try FirmwareSlots.rollBack(arguments)
        default: try FirmwarePacking.verify(arguments)
        }
    }
}

extension CommandFailure {
    /// A bundle, signature or key that cannot be used.
    init(_ error: FirmwareError) {
        let code: ExitCode = if case .file = error { .unavailable } else { .data }
        self.init(code, "\(error)")
    }

    /// A release that could not be made.
    init(_ error: RolloutError) {
        if case .firmware(let error) = error { self.init(error) } else { self.init(.data, "\(error)") }
    }
}
