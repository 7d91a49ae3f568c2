import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// `perigee firmware`, from making keys to checking a release.
@Suite("perigee firmware")
struct FirmwareToolTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Programs.succeed(
            "firmware", "keygen", "--secret-key", folder.file("a.key"), "--public-key", folder.file("a.pub"),
            "--no-password")
    }

    private func pack(_ release: Int, _ name: String) throws -> String {
        try Programs.succeed(
            "firmware", "pack", SharedData.packageRoot + "/Firmware/perigee-1", "--release", "\(release)",
            "-o", folder.file(name), "--secret-key", folder.file("a.key"))
        return folder.file(name)
    }

    @Test("a release that was packed with one key is good with its public key only")
    func verify() throws {
        let file = try pack(3, "release.tar")
        let good = try Programs.succeed("firmware", "verify", file, "--keys", folder.path, "--json").json()
        #expect(good["version"] == .string("3"))
        try Programs.succeed(
            "firmware", "keygen", "--secret-key", folder.file("b.key"), "--public-key", folder.file("b.pub"),
            "--no-password")
        let other = try Programs.perigee(["firmware", "verify", file, "--public-key", folder.file("b.pub")])
        #expect(other.code == 65 && other.errors.contains("not trusted here"), "\(other.errors)")
        try Programs.succeed("firmware", "sign", file, "--secret-key", folder.file("b.key"), "--comment", "second")
        let second = try Programs.succeed(
            "firmware", "verify", file, "--public-key", folder.file("b.pub"), "--json"
        ).json()
        #expect(second["trusted_comment"] == .string("second"))
        #expect(second["firmware"] == good["firmware"])
    }

    @Test("one octet changed is refused")
    func corrupt() throws {
        let file = try pack(1, "release.tar")
        var octets = try Data(contentsOf: URL(filePath: file))
        octets[octets.count / 2] ^= 1
        try octets.write(to: URL(filePath: file))
        let outcome = try Programs.perigee(["firmware", "verify", file, "--public-key", folder.file("a.pub")])
        #expect(outcome.code == 65 && outcome.errors.contains("SHA-256"), "\(outcome.errors)")
    }

    @Test("a folder that is signed but no release is refused")
    func noRelease() throws {
        let bundle = folder.file("bundle")
        try FileManager.default.copyItem(atPath: SharedData.packageRoot + "/Firmware/perigee-1", toPath: bundle)
        try Programs.succeed("firmware", "sign", bundle, "--secret-key", folder.file("a.key"))
        let outcome = try Programs.perigee(["firmware", "verify", bundle, "--public-key", folder.file("a.pub")])
        #expect(outcome.code == 65 && outcome.errors.contains("no self-test"), "\(outcome.errors)")
    }

    @Test("keys are never overwritten nor left open by mistake, and the secret one is its owner's")
    func keys() throws {
        let again = ["firmware", "keygen", "--secret-key", folder.file("a.key"), "--public-key", folder.file("c.pub")]
        #expect(try Programs.perigee(again).code == 64)
        #expect(try Programs.perigee(again + ["--no-password"]).code == 74)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("a.key"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}
