import Foundation
import PerigeeFirmware
import PerigeeTestSupport
import Testing

@Suite("packed bundle")
struct PackedBundleTests {
    private let directory: TemporaryDirectory
    private let key = SigningSecretKey()
    private let packed: PackedBundle

    init() throws {
        directory = try TemporaryDirectory()
        try writeBundle(directory, "one")
        packed = try PackedBundle(directory: directory.path + "/one").signed(by: key, comment: "release 1")
    }

    private var keys: TrustedKeys { TrustedKeys([key.publicKey]) }

    @Test("it gives back signature, manifest and files")
    func roundTrip() throws {
        let again = try PackedBundle(parsing: packed.octets)
        #expect(try again.verify(keys) == key.publicKey.id)
        #expect(try again.contents().name == "test")
        #expect(again.files.map(\.name) == ["manifest.json", "manifest.json.minisig", "model.safetensors"])
        #expect(again.digest == SHA256.digest(packed.octets))
        try directory.write(packed.octets, to: "one.tar")
        #expect(try PackedBundle(file: "\(directory.path)/one.tar") == packed)
    }

    @Test("packing again and signing what is signed change nothing but the signature")
    func packedAgain() throws {
        try directory.write(try #require(packed.signatureOctets), to: "one/manifest.json.minisig")
        let again = try PackedBundle(directory: "\(directory.path)/one")
        #expect(again == packed)
        let other = SigningSecretKey()
        let signed = try again.signed(by: other, comment: "release 1")
        #expect(try signed.verify(TrustedKeys([other.publicKey])) == other.publicKey.id)
        #expect(signed.manifestOctets == packed.manifestOctets)
    }

    @Test("tar reads it", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/tar")))
    func tar() throws {
        try directory.write(packed.octets, to: "one.tar")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/tar")
        process.arguments = ["-xf", "one.tar", "--one-top-level=out"]
        process.currentDirectoryURL = URL(filePath: directory.path)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        for file in packed.files {
            #expect(try BundleFixture.read("\(directory.path)/out/\(file.name)") == file.octets)
        }
    }

    @Test("one without a signature, or with another's, is refused")
    func unsigned() throws {
        let bare = try PackedBundle(directory: "\(directory.path)/one")
        #expect(throws: FirmwareError.signature(file: "manifest.json.minisig", .absent)) { try bare.verify(keys) }
        let other = SigningSecretKey()
        #expect(throws: FirmwareError.signature(file: "manifest.json.minisig", .unknownKey(other.publicKey.id))) {
            try packed.signed(by: other, comment: "").verify(keys)
        }
    }

    @Test("cut anywhere it is refused")
    func cut() {
        for count in stride(from: 0, to: packed.octets.count, by: 7) {
            #expect(throws: FirmwareError.self, "\(count) octets") {
                try PackedBundle(parsing: Array(packed.octets.prefix(count)))
            }
        }
        #expect(throws: FirmwareError.self) { try PackedBundle(parsing: packed.octets + [0]) }
        #expect(throws: FirmwareError.self) {
            try PackedBundle(parsing: packed.octets + [UInt8](repeating: 0, count: 512))
        }
    }

    @Test("no bit of it can change unnoticed")
    func flipped() throws {
        let untrusted = try #require(packed.signatureOctets?.firstIndex(of: 10))
        let signature = try #require(packed.signatureOctets)
        let start = try #require(packed.octets.firstRange(of: signature)).lowerBound
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<2_000 {
            let index = Int.random(in: 0..<packed.octets.count, using: &generator)
            // the untrusted comment is what it says
            if (start..<start + untrusted).contains(index) { continue }
            var damaged = packed.octets
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect(throws: FirmwareError.self, "octet \(index)") {
                let bundle = try PackedBundle(parsing: damaged)
                _ = try bundle.verify(keys)
                _ = try bundle.contents()
            }
        }
    }

    @Test("a file that the manifest does not list, or one too few, is refused")
    func otherFiles() throws {
        try directory.write([1], to: "one/extra.bin")
        #expect(try PackedBundle(directory: "\(directory.path)/one").files.count == 2)
        var octets = packed.octets
        // the name of the last file, in its header
        let place = try #require(octets.lastRange(of: Array("model.safetensors".utf8))).lowerBound
        octets[place] = UInt8(ascii: "n")
        #expect(throws: FirmwareError.self) { try PackedBundle(parsing: octets) }
    }

    @Test("a file above the limit is refused before it is read")
    func tooLarge() throws {
        let path = "\(directory.path)/large.tar"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: UInt64(PackedBundle.sizeLimit) + 1)
        try handle.close()
        #expect(
            throws: FirmwareError.outOfRange(
                field: "\(path) size", value: PackedBundle.sizeLimit + 1, limit: PackedBundle.sizeLimit)
        ) {
            try PackedBundle(file: path)
        }
    }

    @Test(
        "a version is a counter where it is a plain whole number",
        arguments: [
            ("1", 1), ("20261121", 20_261_121), ("0", nil), ("01", nil), ("+1", nil), ("1.0", nil), ("", nil),
            ("99999999999999999999", nil),
        ] as [(String, UInt64?)])
    func release(_ version: String, _ number: UInt64?) {
        #expect(FirmwareManifest.release(version) == number)
    }
}

extension Collection where Element: Equatable {
    fileprivate func lastRange(of other: [Element]) -> Range<Index>? where Self: BidirectionalCollection {
        ranges(of: other).last
    }
}
