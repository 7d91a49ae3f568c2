import Foundation
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("What an operator asks to give up")
struct DiscardRequestTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "comes out of the folder as it was put there, once",
        arguments: [
            FrameChoice(), FrameChoice(sensor: "a \"\u{1B}"), FrameChoice(numbers: 0...((1 << 48) - 1)),
            FrameChoice(sensor: "b", storedBefore: start, numbers: 7...7),
        ])
    func roundTrip(choice: FrameChoice) throws {
        for isTrial in [false, true] {
            let request = DiscardRequest(id: .max - 1, choice: choice, isTrial: isTrial)
            try request.put(folder.path)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["discard"])
            #expect(DiscardRequest.take(folder.path) == request)
            #expect(DiscardRequest.take(folder.path) == nil)
        }
        var answer = DiscardAnswer(id: 5)
        (answer.frames, answer.packets, answer.size, answer.isComplete) = (1, 2, 3, true)
        try answer.write(folder.path)
        #expect(DiscardAnswer.read(folder.path) == answer)
    }

    /// Root writes into a folder of the daemon's user.
    @Test("goes where no link leads it")
    func links() throws {
        let other = folder.file("other")
        try "kept".write(toFile: other, atomically: true, encoding: .utf8)
        let request = DiscardRequest(id: 9, choice: FrameChoice(), isTrial: true)
        try FileManager.default.createSymbolicLink(atPath: folder.file("discard"), withDestinationPath: other)
        try request.put(folder.path)
        #expect(DiscardRequest.take(folder.path) == request)
        try FileManager.default.createSymbolicLink(atPath: folder.file("discard.9"), withDestinationPath: other)
        #expect(throws: SpoolError.self) { try request.put(folder.path) }
        #expect(try String(contentsOfFile: other, encoding: .utf8) == "kept")
    }

    @Test(
        "what is no request is thrown away and asks for nothing",
        arguments: [
            "", "{}", "[]", "{\"id\": 7, \"trial\": true}", "{\"id\": \"7\"}", "{\"id\": \"-1\", \"trial\": true}",
            "{\"id\": \"7\", \"trial\": false, \"first\": 5, \"last\": 4}",
            "{\"id\": \"7\", \"trial\": false, \"first\": -5, \"last\": 4}",
            "{\"id\": \"7\", \"trial\": false, \"stored_before\": \"yesterday\"}",
            // a word that is not understood must not widen the choice
            "{\"id\": \"7\", \"trial\": false, \"first\": 5}",
            "{\"id\": \"7\", \"trial\": false, \"sensor\": 5}",
            "{\"id\": \"7\", \"trial\": false, \"stored_before\": 5}",
            "{\"id\": \"7\", \"trial\": false, \"class\": 2}",
        ])
    func bad(text: String) throws {
        try text.write(toFile: folder.file("discard"), atomically: true, encoding: .utf8)
        #expect(DiscardRequest.take(folder.path) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
