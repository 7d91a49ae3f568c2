import PerigeeCore
import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Testing

/// Power goes before each step of an install and its trial; the station must come up with what served before or with what was
/// installed, whole and signed.
@Suite("power cuts while a bundle is installed")
struct SlotPowerTests {
    private let releases = SmallReleases()

    /// The disk before, with `kept` installed one after another.
    private func disk(_ kept: [PackedBundle]) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let store = SlotStore(files: disk, keys: releases.keys)
        for (index, bundle) in kept.enumerated() { try store.keep(bundle, second: index) }
        return disk
    }

    @Test("at every step, whatever of the unsynced is lost", arguments: [0, 1, 2], SimulatedDisk.Loss.allCases)
    func cuts(keptCount: Int, loss: SimulatedDisk.Loss) throws {
        let kept = try (0..<keptCount).map { try releases.make(UInt64($0 + 1)) }
        let installed = try releases.make(9)
        let newID = try SmallReleases.id(installed)
        let oldID = try kept.last.map(SmallReleases.id)
        var points = 0
        var isDone = false
        while !isDone {
            let disk = try disk(kept)
            let store = SlotStore(files: disk, keys: releases.keys)
            disk.cut(before: points)
            do {
                try store.keep(installed, second: 20)
                isDone = true
            } catch RolloutError.firmware(.file) {
            } catch is NotTried {}
            disk.restart(loss, seed: UInt64(points))
            let start = store.start(now: try moment(30), check: passes)
            let expected = [oldID, isDone ? nil : oldID, newID].contains(start.bundle?.id)
            #expect(expected, "step \(points): \(String(describing: start.bundle?.id))")
            if isDone { #expect(start.bundle?.id == newID && start.trial == nil) }
            #expect(!disk.names.contains("state.json.damaged"), "step \(points)")
            // what the state calls complete is complete, also where nothing uses it
            let state = try store.read()
            for slot in Slot.allCases where state.release(slot) != nil {
                #expect(throws: Never.self, "step \(points)") { try store.bundle(in: slot) }
            }
            // and it is none the worse for it: the next one installs
            if start.trial != nil { _ = try store.rollBack(now: moment(31)) }
            try store.keep(releases.make(10, size: 3_000), second: 40)
            points += 1
        }
        #expect(points > 50, "only \(points) points")
    }
}
