import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("perigee spool", .timeLimit(.minutes(10)))
struct SpoolCommandTests {
    let folder: TemporaryFolder
    private let start = Timestamp(milliseconds: 1_700_000_000_000)

    init() throws { folder = try TemporaryFolder() }

    /// A spool with frames of two packets each.
    private func fill(frames: Int) throws -> Epoch {
        var configuration = SpoolConfiguration()
        configuration.ballast = 0
        var spool = try Spool(
            directory: folder.file("spool"), configuration: configuration, now: start, machine: "here")
        for number in 0..<UInt64(frames) {
            let layers = (0..<2).map { [[UInt8](repeating: UInt8(number % 200) + 40, count: 900 + $0)] }
            _ = try spool.append(
                SpoolFrame(
                    number: number, label: "cam\u{1B}[2J", priority: 2, rawSize: 1_000, stored: start, layers: layers,
                    raw: [7, 7, 7]))
        }
        try spool.commit()
        return spool.epoch
    }

    @Test("ls shows epochs, ledger and frames, escaped, also as JSON")
    func lists() throws {
        let epoch = try fill(frames: 3)
        let text = try Programs.perigee(["spool", "ls", folder.file("spool")])
        #expect(text.code == 0 && text.output.contains(epoch.text) && text.output.contains("3 spooled"))
        #expect(text.output.contains("cam\\u{1b}[2J") && !text.output.contains("\u{1B}"))
        let json = try Programs.perigee(["spool", "ls", "--json", "--limit", "2", folder.file("spool")]).json()
        #expect(json["ledger"]?["waiting"]?.int == 3)
        guard case .array(let frames)? = json["frames"] else { throw CancellationError() }
        #expect(frames.count == 2 && frames[0]["waiting_packets"]?.int == 2)
        let quarantine = try Programs.perigee(["spool", "ls", "--quarantine", "--json", folder.file("spool")])
        #expect(try quarantine.json() == .array([]))
    }

    @Test("a spool that somebody holds is refused, with 69; so is none at all")
    func held() throws {
        var configuration = SpoolConfiguration()
        configuration.ballast = 0
        let spool = try Spool(
            directory: folder.file("spool"), configuration: configuration, now: start, machine: "here")
        for words in [["ls"], ["verify"], ["export", "-o", folder.file("out")]] {
            let outcome = try Programs.perigee(["spool"] + words + [folder.file("spool")])
            #expect(outcome.code == 69 && outcome.errors.contains(folder.file("spool")), "\(outcome.errors)")
        }
        #expect(spool.ledger.spooled == 0)
        #expect(try Programs.perigee(["spool", "ls", folder.file("none")]).code == 69)
        #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
    }

    @Test("verify finds a flipped bit and says where, and such a packet is not exported")
    func verifies() throws {
        let epoch = try fill(frames: 40)
        let sound = try Programs.perigee(["spool", "verify", folder.file("spool")])
        #expect(sound.code == 0 && sound.output.contains("80 packets") && sound.output.contains("all sound"))
        // packets of frame 17 are filled with 57
        let path = folder.file("spool/spool.db")
        var octets = try Data(contentsOf: URL(filePath: path))
        let place = try #require(octets.firstRange(of: Data(repeating: 57, count: 200)))
        octets[place.lowerBound + 100] ^= 4
        try octets.write(to: URL(filePath: path))
        let damaged = try Programs.perigee(["spool", "verify", "--json", folder.file("spool")])
        #expect(damaged.code == 1)
        let json = try damaged.json()
        #expect(json["sound"] == .bool(false) && json["damaged"]?.int == 1)
        guard case .array(let rows)? = json["rows"] else { throw CancellationError() }
        #expect(rows.first?["epoch"] == .string(epoch.text) && rows.first?["table"] == .string("packets"))
        #expect([35, 36].contains(rows.first?["number"]?.int))
        #expect(try Programs.perigee(["spool", "verify", folder.file("spool")]).output.contains("damaged: packet 3"))
        // what is damaged is not exported, and that is said
        let export = try Programs.perigee(["spool", "export", "--json", "-o", folder.file("out"), folder.file("spool")])
        #expect(export.code == 1)
        #expect(try export.json()["packets"]?.int == 79)
    }

    @Test("a file that is no spool is told, with 65")
    func noSpool() throws {
        try FileManager.default.createDirectory(atPath: folder.file("spool"), withIntermediateDirectories: true)
        try Data(repeating: 7, count: 9_000).write(to: URL(filePath: folder.file("spool/spool.db")))
        #expect(try Programs.perigee(["spool", "verify", folder.file("spool")]).code == 65)
    }

    @Test("an export that cannot be written is 74 and leaves nothing")
    func unwritable() throws {
        _ = try fill(frames: 1)
        let outcome = try Programs.perigee(
            ["spool", "export", "-o", folder.file("none/out"), folder.file("spool")])
        #expect(outcome.code == 74 && outcome.errors.contains("none/out cannot be written"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["spool"])
    }
}
