import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeTestSupport
import Testing

private func want(_ identity: UInt32, _ subject: ArchiveWant.Subject) throws -> ArchiveWant {
    ArchiveWant(
        id: identity, station: "lab", epoch: try epoch(1), priority: 1, subject: subject,
        created: Timestamp(milliseconds: 5))
}

@Suite("Wants", .timeLimit(.minutes(10)))
struct WantTests {
    let folder = Folder()

    @Test("a want comes back from its file", arguments: 0..<4)
    func files(_ kind: Int) throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let wants = try WantFolder(folder.path)
        let subjects: [ArchiveWant.Subject] = [
            .numbers([3..<6, 9..<10]), .frame(number: 1 << 40, layers: 255), .reference(number: 1 << 40, layers: 15),
            .plain(number: (1 << 62) - 1),
        ]
        var one = try want(0xAB, subjects[kind])
        one.reason = [nil, nil, .waitingForReference, .referenceDiffers][kind]
        one.state = .accepted
        one.packets = 3
        one.presentBefore = 2
        try wants.write(one)
        #expect(try wants.identities() == [0xAB])
        #expect(try wants.want(0xAB) == one)
        one.state = .done
        try wants.write(one)
        #expect(try wants.want(0xAB).state == .done)
        try wants.remove(0xAB)
        #expect(try wants.identities() == [])
    }

    @Test("a link where a want is to be written leads nowhere, and neither does one where it stands")
    func links() throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let wants = try WantFolder(folder.path)
        let other = folder.path + "/other"
        try "mine".write(toFile: other, atomically: true, encoding: .utf8)
        for name in ["00000007.json.new", "00000007.json"] {
            let path = "\(folder.path)/wants/\(name)"
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
            try wants.write(try want(7, .numbers([3..<4])))
            #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
            #expect(try wants.want(7) == want(7, .numbers([3..<4])))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/wants") == ["00000007.json"])
            try wants.remove(7)
        }
    }

    @Test(
        "a file that is no want is refused by the field's name",
        arguments: [
            ("{", "want"), ("[]", "station"), (#""station": "No""#, "station"), (#""epoch": "12""#, "epoch"),
            (#""numbers": "5-3""#, "numbers"), (#""numbers": "1-70000""#, "numbers"), (#""priority": 4"#, "priority"),
            (#""state": "maybe""#, "state"), (#""packets": -1"#, "packets"), (#""layers": 0"#, "layers"),
            (#""reason": "bored""#, "reason"), (#""plain": -1"#, "plain"), (#""reference": 1, "layers": 16"#, "layers"),
        ])
    func refuses(_ change: String, _ field: String) throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let wants = try WantFolder(folder.path)
        try wants.write(try want(1, change.contains("numbers") ? .numbers([3..<4]) : .frame(number: 1, layers: 1)))
        let path = "\(folder.path)/wants/00000001.json"
        var text = try String(contentsOfFile: path, encoding: .utf8)
        if change.contains(":") {
            text = text.replacingOccurrences(of: "\n}", with: ",\n\(change)\n}")
        } else {
            text = change
        }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: ArchiveError.self) { _ = try wants.want(1) }
        #expect(error.map { "\($0)".contains("\(field) is") } == true, "\(String(describing: error))")
    }

    @Test("a file that is too large, or has no name of a want, is not read")
    func strangeFiles() throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let wants = try WantFolder(folder.path)
        for name in ["x.json", "00000002.txt", "0000000g.json", "000000002.json", "00000003.json"] {
            try Data(repeating: 0x20, count: 9_000).write(to: URL(fileURLWithPath: "\(folder.path)/wants/\(name)"))
        }
        #expect(try wants.identities() == [3])
        let error = #expect(throws: ArchiveError.self) { _ = try wants.want(3) }
        #expect(error.map { "\($0)".contains("file size is 9000") } == true)
    }

    @Test(
        "numbers are read as they are written",
        arguments: [("3-5,9", [3..<6, 9..<10]), ("1", [1..<2]), ("7-7", [7..<8])] as [(String, [Range<UInt64>])])
    func numbers(_ text: String, _ ranges: [Range<UInt64>]) {
        #expect(ArchiveWant.ranges(parsing: text) == ranges)
    }

    @Test(
        "numbers that are not ascending, touch, or are too many are none",
        arguments: ["", "0", "5-3", "1,2", "4-6,6", "9,3", "1-2-3", "a", "1,", "-1", "1-65537", "4611686018427387904"])
    func badNumbers(_ text: String) { #expect(ArchiveWant.ranges(parsing: text) == nil) }

    @Test("what is here of a want is counted: numbers, and parts and layers of a frame")
    func presence() throws {
        let records = try records(frames: 2)  // frame 0: numbers 2 to 5, frame 1: 6 to 9
        var archive = try Archive(folder.path)
        _ = try archive.append(records.filter { $0.number != 4 && $0.number < 8 })
        let reader = try ArchiveReader.open(folder.path)
        let one = try want(1, .numbers([1..<3, 4..<6]))
        #expect(try reader.presence(of: one, frame: nil) == .init(count: 3, isComplete: false))
        #expect(try reader.presence(of: want(1, .numbers([2..<3, 5..<8])), frame: nil).isComplete)
        let frame = try #require(try reader.frame(station: "lab", epoch: epoch(1), number: 1))
        #expect(try reader.frame(station: "lab", epoch: epoch(1), number: 2) == nil)
        #expect(try reader.frame(station: "lab", epoch: epoch(2), number: 1) == nil)
        #expect(try reader.presence(of: want(1, .frame(number: 1, layers: 2)), frame: frame).count == 2)
        #expect(try !reader.presence(of: want(1, .frame(number: 1, layers: 2)), frame: frame).isComplete)
        _ = try archive.append(records)
        #expect(try reader.presence(of: want(1, .frame(number: 1, layers: 3)), frame: frame).isComplete)
        #expect(try reader.presence(of: one, frame: nil).isComplete)
        #expect(try reader.epochs(station: "lab") == [epoch(1)])
    }
}
