import Foundation
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("Admission", .timeLimit(.minutes(10)))
struct AdmissionTests {
    let limit = MessageLimit(partCount: 3, size: 1_000)
    let good: KeyPair
    let other: KeyPair

    init() throws {
        good = try KeyPair.generate()
        other = try KeyPair.generate()
    }

    @Test("who is on the list comes in, and each message says who sent it")
    func admits() throws {
        let bench = try CurveBench(["lab-1": [good.publicKey], "lab-2": [other.publicKey]])
        for (name, pair) in [("lab-1", good), ("lab-2", other)] {
            var dealer = try bench.dealer(.client(own: pair, server: bench.own.publicKey))
            _ = try dealer.send([[1], [2]], waits: true)
            let message = try #require(try bench.router.receiveIdentified(limit: limit, waits: true))
            #expect(message.parts.count == 3 && message.name == name && message.key == pair.publicKey)
            #expect(try bench.router.send([message.parts[0], [3]]) == .sent)
            #expect(try dealer.receive(limit: limit, waits: true) == [[3]])
        }
        #expect(bench.list.snapshot.names == ["lab-1", "lab-2"])
        #expect(bench.list.snapshot.admitted == 2 && bench.list.snapshot.denied == 0)
    }

    enum Stranger: CaseIterable { case notOnList, noKeys, wrongServerKey }

    @Test("strangers are refused and told so, and nothing of them is received", arguments: Stranger.allCases)
    func refuses(_ stranger: Stranger) throws {
        let bench = try CurveBench(["lab-1": [good.publicKey]])
        let log = try EventLog()
        let role: CurveRole? =
            switch stranger {
            case .notOnList: .client(own: other, server: bench.own.publicKey)
            case .noKeys: nil
            case .wrongServerKey: .client(own: good, server: other.publicKey)
            }
        var dealer = try bench.dealer(role, log)
        switch stranger {
        case .notOnList:
            try log.wait(for: .refused(code: 400))
            let denied = AdmissionEvent.denied(
                list: "gateway", key: other.publicKey.text, address: "127.0.0.1")
            bench.told.wait { $0 == denied }
            #expect(bench.list.snapshot.denied == 1)
        case .noKeys: try log.wait { if case .protocolFailure = $0 { true } else { false } }
        case .wrongServerKey: try log.wait { if case .greetingCut = $0 { true } else { false } }
        }
        #expect(!log.all.contains(.ready))
        #expect(try dealer.send([1]) == .sent || stranger != .notOnList)
        // a good one is served all the same, and is the first whose message comes
        var honest = try bench.dealer(.client(own: good, server: bench.own.publicKey))
        _ = try honest.send([7], waits: true)
        let message = try #require(try bench.router.receiveIdentified(limit: limit, waits: true))
        #expect(message.parts.last == [7] && message.name == "lab-1")
    }

    @Test("a key that is added is let in, one that is removed is nobody's any more, without a restart")
    func reloads() throws {
        let bench = try CurveBench([:])
        let path = bench.folder.file("lab-1.pub")
        #expect(bench.list.name(of: good.publicKey) == nil)
        try KeyFile.writePublic([good.publicKey], to: path)
        bench.told.wait { $0 == .changed(list: "gateway") }
        #expect(bench.list.name(of: good.publicKey) == "lab-1")
        // with overlap: both keys of one station
        try KeyFile.writePublic([good.publicKey, other.publicKey], to: path)
        while bench.list.name(of: other.publicKey) == nil { usleep(2_000) }
        for pair in [good, other] {
            var dealer = try bench.dealer(.client(own: pair, server: bench.own.publicKey))
            _ = try dealer.send([1], waits: true)
            #expect(try bench.router.receiveIdentified(limit: limit, waits: true)?.name == "lab-1")
        }
        try KeyFile.writePublic([other.publicKey], to: path)
        while bench.list.name(of: good.publicKey) != nil { usleep(2_000) }
        try KeyFile.remove(path)
        while bench.list.name(of: other.publicKey) != nil { usleep(2_000) }
        let log = try EventLog()
        var dealer = try bench.dealer(.client(own: other, server: bench.own.publicKey), log)
        try log.wait(for: .refused(code: 400))
        dealer.unused()
    }

    @Test("a file that was damaged keeps its keys and is named; a shared key is only the first one's")
    func badFiles() throws {
        let bench = try CurveBench(["lab-1": [good.publicKey]])
        #expect(bench.list.snapshot.problems.isEmpty)
        try "nonsense".write(toFile: bench.folder.file("lab-1.pub"), atomically: true, encoding: .utf8)
        try "nonsense".write(toFile: bench.folder.file("README"), atomically: true, encoding: .utf8)
        try KeyFile.writePublic([other.publicKey], to: bench.folder.file("Lab.pub"))
        try KeyFile.writePublic([other.publicKey], to: bench.folder.file("lab-2.pub"))
        try KeyFile.writePublic([other.publicKey], to: bench.folder.file("lab-3.pub"))
        while bench.list.snapshot.problems.count < 3 { usleep(2_000) }
        #expect(bench.list.name(of: good.publicKey) == "lab-1")
        #expect(bench.list.name(of: other.publicKey) == "lab-2")
        let text = bench.list.snapshot.problems.joined(separator: "\n")
        for part in ["Lab.pub is not named", "lab-1.pub, line 1", "lab-3.pub has a key of lab-2"] {
            #expect(text.contains(part), "\(text)")
        }
        try FileManager.default.moveItem(atPath: bench.folder.path, toPath: bench.folder.path + "-away")
        defer { try? FileManager.default.removeItem(atPath: bench.folder.path + "-away") }
        while bench.list.snapshot.problems.count > 1 { usleep(2_000) }
        #expect(bench.list.snapshot.problems.first?.contains("cannot be listed") == true)
        #expect(bench.list.name(of: good.publicKey) == "lab-1")
    }

    @Test("a handler that is lost says so")
    func lost() throws {
        let bench = try CurveBench(["lab-1": [good.publicKey]])
        bench.admission.lose()
        bench.told.wait { if case .ended = $0 { true } else { false } }
    }

    @Test("a context has one handler; it is gone with its last reference")
    func single() throws {
        let context = try ZeroMQContext()
        var first: Admission? = try Admission(context: context) { _ in }
        #expect(throws: TransportError.self) { try Admission(context: context) { _ in } }
        _ = first?.list("a", directory: "/nonexistent")
        first = nil
        var again: Admission?
        while again == nil { again = try? Admission(context: context) { _ in } }  // bounded by the suite's time limit
    }
}
