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
        } throws: { "\($0)".contains("can be written by everybody") }
        let key = SigningSecretKey()
        let signed = try PackedBundle(directory: bundle).signed(by: key, comment: "")
        let signature = try #require(signed.signatureOctets)
        try Data(signature).write(to: URL(filePath: bundle + "/manifest.json.minisig"))
        try PackageTrust.check(directory: bundle, keys: TrustedKeys([key.publicKey]))
        #expect {
            try PackageTrust.check(directory: bundle, keys: TrustedKeys([SigningSecretKey().publicKey]))
        } throws: { "\($0)".contains("not trusted here") }
    }

    @Test("rights are compared with those of the program")
    func rights() {
        let program = PackageTrust.Rights(owner: 7, group: 8, mode: 0o100755)
        let shared = PackageTrust.Rights(owner: 7, group: 8, mode: 0o100775)
        typealias Rights = PackageTrust.Rights
        #expect(Rights(owner: 0, group: 0, mode: 0o100644).weakness(beside: program) == nil)
        #expect(Rights(owner: 7, group: 8, mode: 0o100644).weakness(beside: program) == nil)
        #expect(Rights(owner: 9, group: 8, mode: 0o100644).weakness(beside: program) == "belongs to user 9")
        #expect(Rights(owner: 7, group: 8, mode: 0o100664).weakness(beside: program) == "can be written by group 8")
        #expect(Rights(owner: 7, group: 8, mode: 0o100664).weakness(beside: shared) == nil)
        #expect(Rights(owner: 7, group: 9, mode: 0o100664).weakness(beside: shared) == "can be written by group 9")
        #expect(Rights(owner: 0, group: 0, mode: 0o041777).weakness(beside: program) == nil)
        #expect(Rights(owner: 0, group: 0, mode: 0o040777).weakness(beside: program) == "can be written by everybody")
    }
}
