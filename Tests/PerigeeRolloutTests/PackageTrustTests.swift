import Foundation
import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Testing

@Suite("trust in the package's bundle")
struct PackageTrustTests {
    private let folder: TemporaryFolder
    private let bundle: String

    init() throws {
        folder = try TemporaryFolder()
        bundle = folder.file("bundle")
        try FileManager.default.copyItem(atPath: Releases.shipped, toPath: bundle)
        try permissions(0o755, "")
        for name in try FileManager.default.contentsOfDirectory(atPath: bundle) { try permissions(0o644, "/" + name) }
    }

    private func permissions(_ mode: Int, _ name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: bundle + name)
    }

    @Test("one that only the program's owner can change is trusted without a signature")
    func owned() throws {
        try PackageTrust.check(directory: bundle, keys: TrustedKeys([]))
    }

    @Test(
        "one that others can change is not, unless a trusted key has signed it", arguments: ["", "/model.safetensors"])
    func writable(_ name: String) throws {
        try permissions(name.isEmpty ? 0o777 : 0o666, name)
        #expect {
            try PackageTrust.check(directory: bundle, keys: TrustedKeys([]))
        } throws: { "\($0)".contains("everybody can change") }
        let key = SigningSecretKey()
        let signed = try PackedBundle(directory: bundle).signed(by: key, comment: "")
        let signature = try #require(signed.signatureOctets)
        try Data(signature).write(to: URL(filePath: bundle + "/manifest.json.minisig"))
        try PackageTrust.check(directory: bundle, keys: TrustedKeys([key.publicKey]))
        #expect {
            try PackageTrust.check(directory: bundle, keys: TrustedKeys([SigningSecretKey().publicKey]))
        } throws: { "\($0)".contains("not trusted here") }
    }

    @Test("who may write is compared with who may write the program")
    func writers() {
        func writers(_ rights: (uid_t, gid_t, mode_t)...) -> PackageTrust.Writers {
            var writers = PackageTrust.Writers()
            for (owner, group, mode) in rights { writers.add(owner: owner, group: group, mode: mode) }
            return writers
        }
        let system = writers((0, 0, 0o100755), (0, 0, 0o040755))
        let built = writers((7, 8, 0o100775), (9, 9, 0o040755), (0, 0, 0o041777))
        #expect(writers((0, 0, 0o100644)).strangers(to: system) == nil)
        #expect(writers((7, 8, 0o100644)).strangers(to: system) == "user 7")
        #expect(writers((7, 8, 0o100664), (9, 1, 0o040755)).strangers(to: built) == nil)
        #expect(writers((6, 8, 0o100644)).strangers(to: built) == "user 6")
        #expect(writers((7, 4, 0o100664)).strangers(to: built) == "group 4")
        #expect(writers((0, 0, 0o041777)).strangers(to: system) == nil)
        #expect(writers((0, 0, 0o040777)).strangers(to: system) == "everybody")
        #expect(writers((0, 0, 0o040777)).strangers(to: writers((0, 0, 0o040777))) == nil)
    }
}
