import Foundation
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("Looking into a spool", .timeLimit(.minutes(10)))
struct SpoolInspectionTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("a look shows epochs, frames, holes and quarantine, and changes no octet")
    func looks() throws {
        var spool = try openSpool(folder)
        let epoch = spool.epoch
        let given = (0..<3).map { frame(UInt64($0), sizes: [[100], [200]], label: "cam \($0)") }
        for frame in given { _ = try spool.append(frame) }
        try spool.commit()
        _ = try spool.settle(epoch, cumulative: 1)
        _ = try spool.setAside(epoch, number: 4, reason: "malformed")
        try spool.commit()
        #expect { _ = try SpoolInspection(folder.file("spool")) } throws: { error in
            if case SpoolError.held = error { true } else { false }
        }
        // What a kill would leave: a long log beside the file.
        try FileManager.default.copyItem(atPath: folder.file("spool"), toPath: folder.file("copy"))
        let before = try contents("copy")
        let look = try SpoolInspection(folder.file("copy"))
        #expect(look.epochs.map(\.epoch) == [epoch])
        #expect(look.epochs.map(\.packets) == [4])
        #expect(look.epochs.map(\.frames) == [3])
        #expect(look.ledger == spool.ledger)
        let frames = try look.frames(limit: 10)
        #expect(frames.map(\.label) == ["cam 0", "cam 1", "cam 2"])
        #expect(frames.map(\.waiting) == [1, 1, 2])
        #expect(try look.frames(limit: 1).count == 1)
        let quarantine = try look.quarantine(limit: 10)
        #expect(quarantine.map(\.packet) == [given[1].layers[1][0]])
        #expect(quarantine.map(\.reason) == ["malformed"])
        #expect(try look.tombstones(limit: 10).map(\.tombstone.numbers) == [4..<5])
        _ = consume look
        #expect(try contents("copy") == before)
    }

    @Test("a directory without spool, and a file that is none, are told by name")
    func refuses() throws {
        try FileManager.default.createDirectory(atPath: folder.file("spool"), withIntermediateDirectories: true)
        #expect { _ = try SpoolInspection(folder.file("spool")) } throws: { "\($0)".contains("there is no spool") }
        try Data(repeating: 7, count: 5_000).write(to: URL(filePath: folder.file("spool/spool.db")))
        #expect { _ = try SpoolInspection(folder.file("spool")) } throws: { error in
            if case SpoolError.damaged = error { true } else { false }
        }
    }

    private func contents(_ name: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.file(name)) where file != "lock" {
            contents[file] = try Data(contentsOf: URL(filePath: folder.file("\(name)/\(file)")))
        }
        return contents
    }
}
