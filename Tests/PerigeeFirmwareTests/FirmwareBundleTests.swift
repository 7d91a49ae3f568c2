import PerigeeCore
import PerigeeFirmware
import Testing

@Suite("firmware bundle")
struct FirmwareBundleTests {
    @Test("a bundle gives its profiles, tensors and id")
    func loads() throws {
        let directory = try TemporaryDirectory()
        let text = try writeBundle(directory, "one")
        let bundle = try FirmwareBundle.load(directory: "\(directory.path)/one")
        let digest = SHA256.digest(text)
        #expect(
            bundle.id == UInt32(digest[0]) + UInt32(digest[1]) << 8 + UInt32(digest[2]) << 16 + UInt32(digest[3]) << 24)
        #expect(bundle.manifest.name == "test")
        #expect(bundle.manifest.created == "2026-01-01T00:00:00Z")
        #expect(bundle.profiles.map(\.name) == ["two-bands", "plain"])
        let profile = bundle.profiles[0]
        #expect(profile.platform == "test-1")
        #expect(profile.instruments == ["eye"])
        #expect((profile.sampleType, profile.scale, profile.offset, profile.peak) == (.uint16, 0.0001, -0.1, 10_000))
        #expect(profile.nodata == 0)
        #expect(
            profile.bands[0]
                == Band(
                    name: "red", centerWavelength: 0.66, fullWidthHalfMax: 0.03, groundSamplingDistance: 10))
        #expect(profile.bands[1].isCategorical)
        #expect(bundle.profiles[1].nodata?.isNaN == true)
        #expect(bundle.tensors["a"] == Tensor(shape: [2], values: .float64([1.5, -2])))
        #expect(bundle.tensors["b"] == Tensor(shape: [2, 2], values: .uint16([1, 2, 3, 4])))
        #expect(bundle.tensors.count == 2)
    }

    @Test("a damaged file is refused by its digest")
    func damaged() throws {
        let directory = try TemporaryDirectory()
        try writeBundle(directory, "one")
        var file = safetensors(goodHeader, goodData)
        file[file.count - 1] ^= 1
        try directory.write(file, to: "one/model.safetensors")
        #expect {
            try FirmwareBundle.load(directory: "\(directory.path)/one")
        } throws: { error in
            guard case .digest(file: "model.safetensors", _, _)? = error as? FirmwareError else { return false }
            return true
        }
    }

    @Test("a file cut at any octet is refused", arguments: Array(stride(from: 0, to: 180, by: 13)))
    func cut(size: Int) throws {
        let directory = try TemporaryDirectory()
        try writeBundle(directory, "one")
        let file = safetensors(goodHeader, goodData)
        try directory.write(Array(file.prefix(min(size, file.count - 1))), to: "one/model.safetensors")
        #expect(throws: FirmwareError.self) { try FirmwareBundle.load(directory: "\(directory.path)/one") }
    }

    @Test("a file larger than the manifest says is refused before it is read")
    func tooLong() throws {
        let directory = try TemporaryDirectory()
        try writeBundle(directory, "one")
        let file = safetensors(goodHeader, goodData)
        try directory.write(file + [0], to: "one/model.safetensors")
        #expect(
            throws: FirmwareError.outOfRange(
                field: "model.safetensors size", value: file.count + 1, limit: file.count)
        ) { try FirmwareBundle.load(directory: "\(directory.path)/one") }
    }

    @Test("a file that is missing is named")
    func missing() throws {
        let directory = try TemporaryDirectory()
        let text = manifest(
            file: "gone.safetensors", size: 10, sha256: String(repeating: "0", count: 64))
        try directory.write(Array(text.utf8), to: "one/manifest.json")
        #expect {
            try FirmwareBundle.load(directory: "\(directory.path)/one")
        } throws: { "\($0)".contains("gone.safetensors") }
    }

    @Test(
        "file names cannot leave the bundle",
        arguments: ["../x", "/etc/passwd", "a/b", "", ".hidden", "a b", "ä", String(repeating: "a", count: 65)])
    func names(_ name: String) {
        let text = manifest(file: name, size: 1, sha256: String(repeating: "0", count: 64))
        #expect {
            try FirmwareManifest(parsing: Array(text.utf8))
        } throws: { "\($0)".contains("manifest.json file name") }
    }

    @Test("a manifest cut at any octet is refused")
    func manifestCut() {
        let text = Array(manifest(file: "m.safetensors", size: 1, sha256: String(repeating: "0", count: 64)).utf8)
        #expect(throws: Never.self) { try FirmwareManifest(parsing: text) }
        for count in text.indices {
            #expect(throws: FirmwareError.self, "\(count) octets") {
                try FirmwareManifest(parsing: Array(text.prefix(count)))
            }
        }
    }

    struct Bad: CustomTestStringConvertible, Sendable {
        let from: String
        let to: String
        let field: String
        var testDescription: String { "\(field): \(to)" }
    }

    @Test(
        "a bad manifest is refused with the field",
        arguments: [
            Bad(from: "\"format\": 1", to: "\"format\": 2", field: "format"),
            Bad(from: "\"name\": \"test\"", to: "\"name\": 7", field: "name"),
            Bad(from: "\"peak\": 10000", to: "\"peak\": 0", field: "profiles[0] peak"),
            Bad(from: "\"peak\": 10000", to: "\"peak\": 1e999", field: "manifest.json"),
            Bad(from: "\"scale\": 0.0001", to: "\"scale\": 0", field: "profiles[0] scale"),
            Bad(from: "\"uint16\"", to: "\"uint64\"", field: "profiles[0] sampleType"),
            Bad(from: "0.66", to: "-1", field: "bands[0] centerWavelength"),
            Bad(from: "\"mask\"", to: "\"red\"", field: "profiles[0] bands"),
            Bad(from: "true", to: "1", field: "bands[1] isCategorical"),
            Bad(from: "\"training\": []", to: "\"compatible\": [\"1234567\"]", field: "compatible"),
            Bad(from: "\"training\": []", to: "\"compatible\": [7]", field: "compatible[0]"),
            Bad(from: "\"training\": []", to: "\"compatible\": \"12345678\"", field: "compatible"),
            Bad(from: "\"size\": 1", to: "\"size\": 99999999999", field: "size"),
            Bad(from: "\"size\": 1", to: "\"size\": -1", field: "size"),
            Bad(from: "\"sha256\": \"0", to: "\"sha256\": \"x", field: "sha256"),
        ])
    func badManifest(_ bad: Bad) {
        let good = manifest(file: "m.safetensors", size: 1, sha256: String(repeating: "0", count: 64))
        let text = good.replacing(bad.from, with: bad.to, maxReplacements: 1)
        #expect(text != good)
        #expect {
            try FirmwareManifest(parsing: Array(text.utf8))
        } throws: { "\($0)".contains(bad.field) }
    }

    @Test("bundles are called compatible as they are called elsewhere")
    func compatible() throws {
        let good = manifest(file: "m.safetensors", size: 1, sha256: String(repeating: "0", count: 64))
        #expect(try FirmwareManifest(parsing: Array(good.utf8)).compatible == [])
        let text = good.replacing("\"training\": []", with: "\"compatible\": [\"01AbcdEF\", \"00000007\"]")
        let ids = try FirmwareManifest(parsing: Array(text.utf8)).compatible
        #expect(ids == [0x01AB_CDEF, 7] && ids.map { Hex.text($0) } == ["01abcdef", "00000007"])
    }

    @Test("a manifest beyond 1 MiB is refused")
    func longManifest() {
        #expect(throws: FirmwareError.outOfRange(field: "manifest.json size", value: 1_048_577, limit: 1_048_576)) {
            try FirmwareManifest(parsing: [UInt8](repeating: 32, count: 1_048_577))
        }
    }

    @Test("deep nesting is refused")
    func deep() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: FirmwareError.self) { try FirmwareManifest(parsing: Array(text.utf8)) }
    }

    @Test("a store finds bundles by id, lists broken ones, and sees new ones")
    func store() throws {
        let directory = try TemporaryDirectory()
        try writeBundle(directory, "one", title: "one")
        try directory.write([1, 2, 3], to: "broken/manifest.json")
        try directory.write([], to: "empty/notes.txt")
        let store = FirmwareStore(directory: directory.path)
        let listing = try store.list()
        #expect(listing.bundles.map(\.manifest.name) == ["one"])
        #expect(listing.refused.map(\.path) == ["\(directory.path)/broken", "\(directory.path)/empty"])
        let first = try #require(listing.bundles.first)
        #expect(try store.load(id: first.manifest.id)?.manifest.name == "one")
        let second = try FirmwareManifest(parsing: writeBundle(directory, "two", title: "two"))
        #expect(try store.load(id: second.id)?.manifest.name == "two")
        #expect(try store.load(id: second.id ^ 1) == nil)
    }

    @Test("SHA-256 gives the values of FIPS 180-4")
    func sha256() {
        #expect(
            Hex.text(SHA256.digest(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Hex.text(SHA256.digest([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}
