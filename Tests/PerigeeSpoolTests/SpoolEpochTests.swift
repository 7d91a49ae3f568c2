import Foundation
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("Epochs", .timeLimit(.minutes(10)))
struct SpoolEpochTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func fill(_ frames: Range<Int> = 0..<5) throws -> Epoch {
        var spool = try openSpool(folder)
        for number in frames {
            let declaration = number == 0 ? SpoolDeclaration(number: 1, packet: octets(40, seed: 9)) : nil
            _ = try spool.append(frame(UInt64(number), sizes: [[100], [50]], declaration: declaration))
        }
        try spool.commit()
        return spool.epoch
    }

    @Test("on another machine the old epoch is closed, still sent, and finished when it is empty")
    func closesOnOtherMachine() throws {
        let old = try fill()
        var spool = try openSpool(folder, machine: "there")
        #expect(spool.recovery == [.newEpoch(reason: "the file was made on another machine")])
        #expect(spool.epoch != old)
        #expect(try spool.epochs() == [old, spool.epoch])
        #expect(try spool.declarations().isEmpty)
        #expect(spool.nextFrame == 0)
        #expect(try spool.append(frame(0)) == 1..<2)
        try spool.commit()
        #expect(try spool.state(old).isClosed)
        #expect(try spool.all(old, priority: 2).count == 10)
        #expect(try spool.finish(old) == false)
        _ = try spool.settle(old, cumulative: 11)
        try spool.commit()
        #expect(try spool.finish(spool.epoch) == false)
        #expect(try spool.finish(old))
        #expect(try spool.epochs() == [spool.epoch])
        try spool.maintain(now: start)
        _ = consume spool
        #expect(try openSpool(folder, machine: "there").recovery == [])
    }

    @Test(
        "a renewed epoch closes the old one, which is sent under its numbers; the next opening goes on with the new one"
    )
    func renews() throws {
        let old = try fill()
        var spool = try openSpool(folder)
        let new = try spool.renew()
        #expect(new == spool.epoch && new != old)
        #expect(try spool.epochs() == [old, new])
        #expect(try spool.declarations().isEmpty && spool.nextFrame == 0)
        #expect(try spool.append(frame(0)) == 1..<2)
        try spool.commit()
        _ = consume spool
        spool = try openSpool(folder)
        #expect(spool.recovery == [] && spool.epoch == new)
        #expect(try spool.state(old).isClosed && spool.all(old, priority: 2).count == 10)
        _ = try spool.settle(old, cumulative: 11)
        try spool.commit()
        #expect(try spool.finish(old))
        #expect(spool.ledger.waiting == 1)
    }

    @Test("an epoch whose frames lost packets is finished when what is left is settled; such frames count as damaged")
    func finishesDamaged() throws {
        var configuration = smallConfiguration()
        configuration.sentRing = 1 << 20
        var spool = try openSpool(folder, configuration)
        for number in 0..<1_200 { _ = try spool.append(frame(UInt64(number), sizes: [[60], [40]])) }
        try spool.commit()
        let old = spool.epoch
        _ = consume spool
        // one packet of each frame, or both: more than one step's worth of frames
        let url = URL(filePath: folder.file("spool/spool.db"))
        let victims = (0..<700).flatMap { number in
            frame(UInt64(number), sizes: [[60], [40]]).layers.flatMap { $0 }.prefix(number.isMultiple(of: 2) ? 2 : 1)
        }
        var file = [UInt8](try Data(contentsOf: url))
        strike(&file, packets: victims)
        try Data(file).write(to: url)
        spool = try openSpool(folder, configuration, machine: "there")
        let whole = try spool.all(old, priority: 2).count
        #expect(whole == 2_400 - victims.count)
        while true {
            let isComplete = try spool.settle(old, cumulative: 2_400).isComplete
            try spool.commit()
            if isComplete { break }
        }
        #expect(spool.ledger.waiting == 700)
        #expect(try spool.finish(old))
        #expect(try spool.epochs() == [spool.epoch])
        #expect(spool.ledger.waiting == 0 && spool.ledger.dropped == [.damaged: 700] && spool.ledger.delivered == 500)
        #expect(spool.takeGivenUp().map(\.number) == (0..<700).map(UInt64.init))
    }

    /// Flips a bit of each packet, wherever the file has it.
    private func strike(_ file: inout [UInt8], packets: [[UInt8]]) {
        let beginnings = Set(packets.map { $0.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } })
        var word: UInt64 = 0
        for index in file.indices {
            word = word << 8 | UInt64(file[index])
            if beginnings.contains(word) { file[index] ^= 1 }
        }
    }

    @Test("a copy of the directory begins a new epoch")
    func noticesCopies() throws {
        let old = try fill()
        try FileManager.default.copyItem(atPath: folder.file("spool"), toPath: folder.file("copy"))
        let copy = try Spool(
            directory: folder.file("copy"), configuration: smallConfiguration(), now: start, machine: "here")
        #expect(copy.recovery == [.newEpoch(reason: "the file is a copy")])
        #expect(copy.epoch != old)
        #expect(try openSpool(folder).epoch == old)
    }

    @Test("a file that is gone leaves a lost epoch, whose holes can be explained")
    func remembersLostEpochs() throws {
        let old = try fill()
        try FileManager.default.removeItem(atPath: folder.file("spool/spool.db"))
        var spool = try openSpool(folder)
        #expect(spool.recovery == [.lost(epoch: old), .newEpoch(reason: "the file is new")])
        #expect(try spool.epochs() == [old, spool.epoch])
        let state = try spool.state(old)
        #expect(state.isLost && state.isClosed && state.next == 1)
        let hole = Tombstone(numbers: 3..<8, reason: .lost, frames: 0, size: 0, first: start, last: start)
        try spool.bury(old, hole)
        try spool.commit()
        #expect(try spool.state(old).tombstones == [hole])
        #expect(try spool.state(old).lowest == 3)
        #expect(try spool.finish(old) == false)
        _ = try spool.settle(old, cumulative: 7)
        try spool.commit()
        #expect(try spool.finish(old))
    }

    @Test("a missing side file begins a new epoch, and the old packets are still sent")
    func missingSideFile() throws {
        let old = try fill()
        try FileManager.default.removeItem(atPath: folder.file("spool/identity.json"))
        var spool = try openSpool(folder)
        #expect(spool.recovery == [.newEpoch(reason: "the side file is missing")])
        #expect(try spool.all(old, priority: 2).count == 10)
    }

    @Test(
        "a fork gives declarations first, then what is unsettled, under new numbers of a new epoch",
        arguments: [0, 1 << 20])
    func forks(sentRing: Int) throws {
        var configuration = smallConfiguration()
        configuration.sentRing = sentRing
        configuration.finerRing = 1 << 20
        let declaration = SpoolDeclaration(number: 1, packet: octets(40, seed: 9))
        var spool = try openSpool(folder, configuration)
        let frames = (0..<3).map { number in
            frame(UInt64(number), sizes: [[100], [50]], declaration: number == 0 ? declaration : nil, finer: [[70]])
        }
        for frame in frames { _ = try spool.append(frame) }
        try spool.commit()
        let old = spool.epoch
        _ = try spool.settle(old, cumulative: 4)
        let new = try spool.fork(old)
        #expect(new == spool.epoch && new != old)
        #expect(try spool.epochs() == [new])
        #expect(spool.nextFrame == 3)
        #expect(try spool.declarations() == [declaration])
        #expect(try spool.all(new, priority: 0).map(\.packet) == [declaration.packet])
        // Of frame 1 the first packet is settled: it is sent again where the ring has it.
        let expected = (sentRing > 0 ? frames[1].layers[0] : []) + frames[1].layers[1] + frames[2].layers.flatMap { $0 }
        #expect(try spool.all(new, priority: 2).map(\.packet) == expected)
        #expect(spool.ledger.delivered == 1 && spool.ledger.waiting == 2)
        #expect(try spool.refine(new, frame: 2, layers: 9, priority: 3) != nil)
        try spool.commit()
        try spool.maintain(now: start)
        _ = consume spool
        var again = try openSpool(folder, configuration)
        #expect(again.recovery == [])
        #expect(try again.epochs() == [new])
    }

    @Test("a side file that cannot be read counts as missing")
    func damagedSideFile() throws {
        let old = try fill()
        for text in ["", "{", "{\"version\": 1, \"epoch\": \"00\"}", String(repeating: "[", count: 5_000)] {
            try Data(text.utf8).write(to: URL(filePath: folder.file("spool/identity.json")))
            let spool = try openSpool(folder)
            #expect(spool.recovery == [.newEpoch(reason: "the side file is missing")])
            #expect(spool.epoch != old)
        }
    }

    @Test("a file of a newer program is refused, and left as it is")
    func refusesNewer() throws {
        _ = try fill()
        let path = folder.file("spool/spool.db")
        var octets = [UInt8](try Data(contentsOf: URL(filePath: path)))
        octets[63] = 9
        try Data(octets).write(to: URL(filePath: path))
        #expect { _ = try openSpool(folder) } throws: { error in
            if case SpoolError.version(_, found: 9, expected: 1) = error { true } else { false }
        }
        #expect([UInt8](try Data(contentsOf: URL(filePath: path))) == octets)
    }
}
