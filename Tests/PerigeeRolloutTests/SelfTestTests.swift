import PerigeeCore
import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Testing

@Suite("self-test of a release")
struct SelfTestTests {
    private let directory: TemporaryFolder
    private let packed: PackedBundle

    init() throws {
        directory = try TemporaryFolder()
        packed = try Releases.make(version: 7)
    }

    @Test("a release keeps the bundle's files, says its version, and passes its own test")
    func passes() throws {
        let manifest = try packed.contents()
        #expect(manifest.release == 7)
        #expect(manifest.created == "2026-01-02T03:04:05Z")
        let shipped = try FirmwareBundle.load(directory: Releases.shipped)
        #expect(manifest.profiles == shipped.profiles)
        #expect(manifest.files.filter { $0.name != "selftest.json" } == shipped.manifest.files)
        #expect(manifest.id != shipped.id && manifest.compatible == [shipped.id])
        try Releases.unpack(packed, to: directory.path)
        try SelfTest.run(FirmwareBundle.load(directory: directory.path))
    }

    @Test("the same bundle and version make the same octets; out of a release comes one that is compatible with it")
    func same() throws {
        #expect(try Releases.make(version: 7) == packed)
        let first = try packed.contents()
        try Releases.unpack(packed, to: directory.path)
        let again = try ReleaseMaker.make(
            directory: directory.path, version: 7, created: try #require(Timestamp(rfc3339: "2026-01-02T03:04:05Z")))
        let second = try again.contents()
        #expect(second.files == first.files && second.release == 7)
        #expect(second.compatible == [first.id] + first.compatible)
    }

    @Test("tables that differ from those of its maker fail the test")
    func otherTables() throws {
        try Releases.unpack(Releases.changed(packed, version: 7), to: directory.path)
        #expect {
            try SelfTest.run(FirmwareBundle.load(directory: directory.path))
        } throws: { error in
            switch error as? RolloutError {
            case .decoded(frame: 0, _, _)?, .codec(frame: 0, _)?: true
            default: false
            }
        }
    }

    @Test("a bundle without a test is no release")
    func untested() throws {
        let bundle = try FirmwareBundle.load(directory: Releases.shipped)
        #expect(throws: RolloutError.untested) { try SelfTest.run(bundle) }
    }

    @Test(
        "a damaged list of frames names the field",
        arguments: [
            ("", "JSON"), ("{}", "format"), ("{\"format\": 2}", "format"),
            ("{\"format\": 1, \"frames\": []}", "frames"),
            ("{\"format\": 1, \"frames\": [{}]}", "frames[0]"),
            (
                "{\"format\": 1, \"frames\": [{\"profile\": \"x\", \"rows\": 4096, \"columns\": 4096, \"lossless\": true,"
                    + "\"layers\": [\"00\"], \"samples\": \"\", \"error\": 0}]}", "frames[0]"
            ),
        ])
    func damaged(_ text: String, _ field: String) {
        #expect {
            try SelfTest(parsing: Array(text.utf8))
        } throws: { "\($0)".contains(field) }
    }

    @Test("the list of frames comes back from its text, and cut anywhere it is refused")
    func roundTrip() throws {
        let test = try SelfTest.make(FirmwareBundle.load(directory: Releases.shipped))
        #expect(try SelfTest(parsing: test.octets) == test)
        for count in stride(from: 0, to: test.octets.count - 2, by: 97) {
            #expect(throws: FirmwareError.self) { try SelfTest(parsing: Array(test.octets.prefix(count))) }
        }
    }
}
