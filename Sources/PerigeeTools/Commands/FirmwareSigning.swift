import Glibc
import PerigeeCommandLine
import PerigeeFirmware
import PerigeeJSON

/// Keys that sign bundles, as the commands read and write them.
enum FirmwareSigning {
    /// `perigee firmware keygen`.
    static func makeKeys(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let secretFile = arguments.text("secret-key") ?? "", publicFile = arguments.text("public-key") ?? ""
        let password = try password(arguments)
        guard (password == nil) == arguments.flag("no-password") else {
            throw CommandFailure(
                .usage, "give either --password-file or --no-password: a secret key is not left open by mistake")
        }
        let key = SigningSecretKey()
        let text: String
        do { text = try key.text(password: password) } catch { throw CommandFailure(.internal, "secret key: \(error)") }
        for path in [secretFile, publicFile] where access(path, F_OK) == 0 {
            throw CommandFailure(.io, "\(path) exists: name another file, keys are never overwritten")
        }
        try writeNew(Array(text.utf8), to: secretFile, mode: 0o600)
        try writeNew(Array(key.publicKey.text.utf8), to: publicFile, mode: 0o644)
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "key": .string("\(key.publicKey.id)"), "public_key": .string(key.publicKey.line),
                    "secret_key_file": .string(secretFile), "public_key_file": .string(publicFile),
                ]).indented)
        } else {
            Terminal.print("key \(key.publicKey.id): secret in \(secretFile), public in \(publicFile)")
        }
        return .ok
    }

    /// The secret key that --secret-key names.
    static func secretKey(_ arguments: Arguments) throws(CommandFailure) -> SigningSecretKey? {
        guard let path = arguments.text("secret-key") else { return nil }
        let bytes = try FileOctets.read(path, limit: SigningSecretKey.sizeLimit)
        let password = try password(arguments)
        do { return try SigningSecretKey(parsing: bytes, password: password) } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
    }

    /// First line of the file that --password-file names.
    private static func password(_ arguments: Arguments) throws(CommandFailure) -> [UInt8]? {
        guard let path = arguments.text("password-file") else { return nil }
        let bytes = try FileOctets.read(path, limit: 4_096)
        return Array(bytes.prefix { $0 != 10 && $0 != 13 })
    }

    /// Writes a file that is not there yet.
    private static func writeNew(_ bytes: [UInt8], to path: String, mode: mode_t) throws(CommandFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(path) }
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten else { throw failure(path) }
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure(
            .io, "\(path) cannot be written: \(String(cString: strerror(errno))): check the folder and its rights")
    }
}
