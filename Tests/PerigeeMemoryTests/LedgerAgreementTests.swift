import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

@Suite("Memory and its ledger")
struct LedgerAgreementTests {
    /// Frames of places far from each other, so that nothing pushes anything out.
    @Test(
        "the file names what the ledger allows, at as many layers, over closings and bad orders",
        arguments: 0..<12 as Range<UInt64>)
    func agrees(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: seed)
        var ledger = MemoryLedger(epoch: try makeEpoch())
        var (next, firmware): (UInt64, UInt32) = (1, 1)
        for session in 0..<4 {
            if session == 3 { next -= min(next - 1, 2) }  // a crash took the newest frames from the spool
            var memory = try openMemory(folder, nextFrame: next)
            ledger.start(epoch: try makeEpoch(), nextFrame: next)
            try compare(&memory, ledger, next: next)
            for _ in 0..<50 {
                change(&memory, &ledger, &next, &firmware, &generator)
                try compare(&memory, ledger, next: next)
            }
        }
    }

    private func change(
        _ memory: inout PlaceMemory, _ ledger: inout MemoryLedger, _ next: inout UInt64, _ firmware: inout UInt32,
        _ generator: inout SeededGenerator
    ) {
        let known = ledger.records.keys.sorted()
        let frame = known.randomElement(using: &generator) ?? 0
        let layer = Int.random(in: 0..<4, using: &generator)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<7:
            var shot = Shot(next).with {
                $0.column = Int($0.frame) * 300; $0.firmware = firmware
            }
            shot.ratios = Array([3_000, 1_000, 300, 100].prefix(layer + 1))
            for other in known where Int.random(in: 0..<known.count, using: &generator) == 0 {
                shot.references.append(MemoryReference(frame: other, layers: .random(in: 1...3, using: &generator)))
            }
            let refusal = ledger.encode(next, layers: layer + 1, references: shot.references, firmware: firmware)
            #expect(memory.take(shot) == refusal.map(PlaceMemory.Outcome.refused) ?? .pending)
            next += 1
        case 7..<15:
            ledger.acknowledge(frame, layer: layer)
            memory.acknowledge(frame, layers: [layer])
        case 15:
            ledger.giveUp(frame, from: layer)
            memory.giveUp(frame, from: layer)
        case 16:
            ledger.forget(frame)
            memory.forget(frame)
        case 17:
            ledger.distrust(frame)
            memory.distrust(frame)
        case 18 where layer == 0:
            firmware += 1
            ledger.keep(firmwares: [firmware, firmware - 1])
            memory.keep(firmwares: [firmware, firmware - 1])
        default: break
        }
    }

    private func compare(_ memory: inout PlaceMemory, _ ledger: MemoryLedger, next: UInt64) throws {
        #expect(memory.status.entries == ledger.records.count)
        for frame in ledger.records.keys {
            let query = Shot(next).with {
                $0.column = Int(frame) * 300; $0.rows = 1
            }
            let named = memory.candidates(query).ranked.map(\.reference).first { $0.frame == frame }
            #expect(named == ledger.reference(frame), "frame \(frame)")
        }
    }
}
