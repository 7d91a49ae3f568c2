import Foundation
import PerigeeConfig
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeLink
import PerigeeRollout
import PerigeeService
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("a firmware on trial in a station")
struct FirmwareWatchTests {
    private let folder: TemporaryFolder
    private let configuration: StationConfiguration
    private let slots: SlotStore
    private let key = SigningSecretKey()

    init() throws {
        folder = try TemporaryFolder()
        let keys = folder.file("firmware-keys")
        try FileManager.default.createDirectory(atPath: keys, withIntermediateDirectories: true)
        try Data(key.publicKey.text.utf8).write(to: URL(filePath: keys + "/release.pub"))
        let text = """
            [intake]
            endpoints = [{ mode = "pull", endpoint = "ipc://\(folder.file("frames"))" }]
            [firmware]
            directory = "\(SharedData.packageRoot)/Firmware"
            slots = "\(folder.file("slots"))"
            keys = "\(keys)"
            """
        configuration = try StationConfiguration(TomlDocument(parsing: Array(text.utf8), name: "test.toml"))
        slots = SlotStore(directory: folder.file("slots"), keys: TrustedKeys([key.publicKey]))
    }

    private func install(_ version: UInt64) throws {
        let now = try #require(Timestamp(rfc3339: "2026-03-01T10:00:00Z"))
        let packed = try ReleaseMaker.make(
            directory: SharedData.packageRoot + "/Firmware/perigee-1", version: version, created: now
        ).signed(by: key, comment: "")
        _ = try slots.install(packed, allowsDowngrade: false, now: now)
    }

    private func time(_ seconds: Int64) throws -> LinkTime {
        LinkTime(monotonic: seconds * 1_000, utc: try #require(Timestamp(rfc3339: "2026-03-01T10:00:00Z")))
    }

    private func watch(_ firmware: StationFirmware) throws -> FirmwareWatch {
        FirmwareWatch(
            firmware, counters: StationCounters(), log: ServiceLog(descriptor: try LogLines().writer), now: try time(0))
    }

    @Test("a bundle with no installed one before it is the package's, and looking changes nothing")
    func package() throws {
        let firmware = try StationFirmware.choose(configuration, isStart: true)
        #expect(firmware.source == .package && firmware.trial == nil && firmware.notes.isEmpty)
        try install(2)
        #expect(try StationFirmware.choose(configuration, isStart: false).source == .slot(.a))
        #expect(try slots.read().trial?.starts == 0)
    }

    @Test("fifty frames without a failure keep it")
    func kept() throws {
        try install(2)
        let firmware = try StationFirmware.choose(configuration, isStart: true)
        #expect(firmware.source == .slot(.a) && firmware.trial?.starts == 1)
        let watch = try watch(firmware)
        var counters = StationCounters()
        counters.spooled = 49
        #expect(try !watch.observe(counters, isIdle: false, now: time(1)))
        #expect(watch.json["trial"]?["frames"]?.int == 49)
        counters.spooled = 50
        #expect(try !watch.observe(counters, isIdle: false, now: time(2)))
        #expect(try slots.read().active == .slot(.a))
        #expect(watch.json["trial"] == .null && watch.json["version"] == .string("2"))
    }

    @Test("one frame that cannot be encoded brings back what served before")
    func returned() throws {
        try install(2)
        let watch = try watch(StationFirmware.choose(configuration, isStart: true))
        var counters = StationCounters()
        counters.spooled = 30
        counters.rejected[StationCounters.Failure.encode.rawValue] = 1
        #expect(try watch.observe(counters, isIdle: false, now: time(1)))
        let state = try slots.read()
        #expect(state.active == .package && state.trial == nil)
        #expect(state.failures.map(\.reason) == ["1 of 31 frames could not be encoded"])
        #expect(try StationFirmware.choose(configuration, isStart: true).source == .package)
    }

    @Test("half an hour from the first frame on is enough; waiting for one counts for nothing")
    func late() throws {
        try install(2)
        let watch = try watch(StationFirmware.choose(configuration, isStart: true))
        var counters = StationCounters()
        #expect(try !watch.observe(counters, isIdle: true, now: time(100_000)))
        counters.spooled = 1
        #expect(try !watch.observe(counters, isIdle: true, now: time(100_001)))
        #expect(try !watch.observe(counters, isIdle: true, now: time(101_800)))
        // written down, so that a start in between does not begin again
        #expect(try slots.read().trial?.seconds == 1_799)
        #expect(try watch.observe(counters, isIdle: true, now: time(101_801)))
        #expect(try slots.read().active == .package)
    }

    @Test("what is installed meanwhile is tried when no frame is in work")
    func installedMeanwhile() throws {
        let watch = try watch(StationFirmware.choose(configuration, isStart: true))
        #expect(try !watch.observe(StationCounters(), isIdle: true, now: time(10)))
        try install(2)
        #expect(try !watch.observe(StationCounters(), isIdle: false, now: time(20)))
        #expect(try watch.observe(StationCounters(), isIdle: true, now: time(30)))
    }

    @Test("a key that is damaged stops installs, not the station")
    func damagedKey() throws {
        try install(2)
        try Data([1, 2]).write(to: URL(filePath: folder.file("firmware-keys/broken.pub")))
        let firmware = try StationFirmware.choose(configuration, isStart: true)
        #expect(firmware.source == .package && firmware.notes.count == 1)
        #expect(firmware.notes[0].contains("broken.pub"))
    }
}
