import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeLink
import PerigeeSQLite
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("What the gateway lacks of frames that others were predicted from", .timeLimit(.minutes(10)))
struct ReferenceWantTests {
    private static let target = "[encoder]\ntarget = \"300x\""

    /// Flies until a frame is predicted; answers it, the frame that it leans on first, and the visits.
    private func flyUntilPredicted(_ bench: Bench) async throws -> (
        frame: UInt64, name: FrameMetadata.Reference, visits: Int
    ) {
        var visit = 0
        while try references(bench).isEmpty, visit < 8 {
            try await fly(bench, visit)
            visit += 1
        }
        let (frame, names) = try #require(try references(bench).first, "no frame is predicted")
        return (frame, try #require(names.frames.first), visit)
    }

    /// The packets that came after the first `count`.
    private func packets(_ bench: Bench, after count: Int) -> [[UInt8]] { Array(bench.gateway.filed.dropFirst(count)) }

    private func ask(_ bench: Bench, _ want: LinkMessage.Want.Subject) async throws -> LinkMessage.Answer {
        let count = bench.gateway.answers.count
        bench.gateway.want(want)
        try await wait { bench.gateway.answers.count > count }
        return bench.gateway.answers[count]
    }

    @Test(
        "layers of a reference come once more as they were sent: out of the ring, or else out of memory",
        arguments: [true, false])
    func reference(hasRing: Bool) async throws {
        let bench = try Bench(Self.target, spool: hasRing ? "" : "sent_ring_bytes = 0")
        let (frame, name, visits) = try await flyUntilPredicted(bench)
        let before = bench.gateway.filed
        let epoch = bench.station.epoch
        let answer = try await ask(bench, .reference(epoch: epoch, number: frame - name.back, layers: name.layers))
        #expect(answer.outcome == .accepted && answer.packets >= 2)
        try await wait { bench.gateway.filed.count == before.count + answer.packets }
        let again = packets(bench, after: before.count)
        #expect(again.allSatisfy(before.contains), "the same octets")
        let parts = try again.map { try Packet(parsing: $0[...]) }
        guard case .declaration? = parts.first?.body else {
            Issue.record("the declaration comes first")
            return
        }
        #expect(try metadata(again).keys.sorted() == [frame - name.back])
        let layers = parts.compactMap { if case .part(let part) = $0.body { part.layer } else { nil } }
        #expect(layers == layers.sorted() && layers.last == name.layers - 1)
        for (number, layers) in [(UInt64(99), 1), (frame - name.back, 15)] {
            let gone = try await ask(bench, .reference(epoch: epoch, number: number, layers: layers))
            #expect(gone.outcome == .gone && gone.packets == 0)
        }
        let other = try Epoch(bytes: [UInt8](repeating: 9, count: Epoch.size))
        #expect(try await ask(bench, .reference(epoch: other, number: 0, layers: 1)).outcome == .gone)
        #expect(bench.station.counters.resent == 1)
        let (_, status) = try bench.finish(received: visits)
        // a key is measured
        let file = PreparedDatabase(try Database(plain: bench.folder.file("spool/memory.db"), access: .readOnly))
        let (keys, measured) = ("SELECT count(*) FROM entries WHERE depth = 0", " AND distortion > 0")
        #expect(try file.integer(keys) ?? 0 > 0)
        #expect(try file.integer(keys + measured) == file.integer(keys))
        // layers that are sent once more are no frame
        #expect(status["ledger"]?["spooled"]?.int == visits && status["history"]?["resent"]?.int == 1)
    }

    @Test("a frame that is wanted plain comes as a new one that says what it replaces; what it leaned on is forgotten")
    func plain() async throws {
        let bench = try Bench(Self.target)
        let (frame, _, visits) = try await flyUntilPredicted(bench)
        let before = bench.gateway.filed.count
        let answer = try await ask(bench, .plain(epoch: bench.station.epoch, number: frame))
        #expect(answer.outcome == .accepted && answer.packets > 0)
        try await wait { bench.gateway.filed.count == before + answer.packets }
        let stream = bench.gateway.filed.filter { packet in
            if case .declaration? = try? Packet(parsing: packet[...]).body { true } else { false }
        }
        let again = stream + packets(bench, after: before)
        let (number, told) = try #require(try metadata(again).first)
        #expect(number == frame + 1 && told.replaces == .earlier(back: 1) && told.references == nil)
        let original = try scene(Int(frame))
        let made = try frames(again.map { try Packet(parsing: $0[...]) }, bench.bundle)
        #expect(made.count == 1 && made[0].description.datetime == original.description.datetime)
        #expect(made[0].description.georeference == original.description.georeference)
        #expect(try error(made[0].samples, original.samples) < 4 * error(decoded(bench, 0), scene(0).samples))
        // the next one leans on nothing that the gateway could not use
        try await wait { bench.station.counters.sensors["sentinel-2-l2a"]?.acknowledged == visits + 1 }
        try bench.send(FrameMessage.pack(scene(visits), run: "r", sequence: visits))
        try await wait { bench.station.counters.sensors["sentinel-2-l2a"]?.acknowledged == visits + 2 }
        let all = try references(bench)
        let forgotten = Set(all[frame]?.frames.map { frame - $0.back } ?? []).union([frame])
        let named = Set(all[number + 1]?.frames.map { number + 1 - $0.back } ?? [])
        #expect(named.isDisjoint(with: forgotten) && forgotten.count > 1)
        #expect(try await ask(bench, .plain(epoch: bench.station.epoch, number: 99)).outcome == .gone)
        let (_, status) = try bench.finish(received: visits + 1)
        // it was received once more, and has no samples of its own
        #expect(status["ledger"]?["received"]?.int == visits + 2 && status["ledger"]?["delivered"]?.int == visits + 2)
        #expect(status["history"]?["encoded_again"]?.int == 1)
        #expect(status["saving"]?["total"]?["frames"]?.int == visits + 1)
    }

    @Test("without a ring of raw frames no frame comes plain, and the log says why")
    func noRaw() async throws {
        let bench = try Bench(Self.target, spool: "raw_ring_bytes = 0")
        let (frame, _, visits) = try await flyUntilPredicted(bench)
        #expect(try await ask(bench, .plain(epoch: bench.station.epoch, number: frame)).outcome == .gone)
        #expect(try bench.log.wait(for: "want_refused").contains("ring of raw frames"))
        _ = try bench.finish(received: visits)
    }

    @Test("a predicted frame that waited when the epoch forked can be had plain; several are encoded one after another")
    func fork() async throws {
        let bench = try Bench(Self.target)
        let (_, _, visits) = try await flyUntilPredicted(bench)
        let old = bench.station.epoch
        bench.gateway.findConflict()
        for visit in visits..<visits + 3 {
            try bench.send(FrameMessage.pack(scene(visit), run: "r", sequence: visit))
        }
        try await wait { bench.station.counters.sensors["sentinel-2-l2a"]?.acknowledged == visits + 3 }
        let new = bench.station.epoch
        #expect(new != old)
        // those that were encoded before the fork name numbers of the old epoch, which mean nothing now
        let predicted = try references(bench).filter { frame, names in
            frame >= UInt64(visits) && names.frames.contains { frame - $0.back < UInt64(visits) }
        }
        #expect(!predicted.isEmpty)
        for (frame, names) in predicted {
            for name in names.frames where frame - name.back < UInt64(visits) {
                let want = LinkMessage.Want.Subject.reference(
                    epoch: new, number: frame - name.back, layers: name.layers)
                #expect(try await ask(bench, want).outcome == .gone)
            }
        }
        let count = bench.gateway.answers.count
        for frame in predicted.keys { bench.gateway.want(.plain(epoch: new, number: frame)) }
        try await wait { bench.gateway.answers.count == count + predicted.count }
        let answers = bench.gateway.answers.dropFirst(count)
        #expect(answers.allSatisfy { $0.outcome == .accepted })
        try await wait {
            let replaced = try metadata(bench.gateway.filed).compactMap { number, metadata in
                metadata.replaces?.identity(epoch: new, number: number)?.number
            }
            return replaced.sorted() == predicted.keys.sorted()
        }
        let (_, status) = try bench.finish(received: visits + 3)
        #expect(status["history"]?["encoded_again"]?.int == predicted.count)
    }

    /// A plain frame of the gateway's.
    private func decoded(_ bench: Bench, _ frame: UInt64) throws -> Samples {
        let packets = try bench.gateway.filed.map { try Packet(parsing: $0[...]) }
        var streams: [Int: StreamDeclaration] = [:]
        let its = packets.filter { packet in
            switch packet.body {
            case .declaration(let stream):
                streams[packet.declaration] = stream
                return true
            case .part(let part): return streams[packet.declaration].map { $0.baseFrame + part.frameDelta } == frame
            }
        }
        return try #require(try frames(its, bench.bundle).first).samples
    }

    private func error(_ left: Samples, _ right: Samples) -> Double {
        var sum = 0.0
        for index in stride(from: 0, to: left.bytes.count, by: 2) {
            let numbers = [left, right].map { Double(Int($0.bytes[index]) | Int($0.bytes[index + 1]) << 8) }
            sum += (numbers[0] - numbers[1]) * (numbers[0] - numbers[1])
        }
        return sum / Double(left.bytes.count / 2)
    }
}
