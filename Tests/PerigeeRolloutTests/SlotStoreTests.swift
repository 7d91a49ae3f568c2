import PerigeeCore
import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Testing

@Suite("slots for bundles")
struct SlotStoreTests {
    let releases = SmallReleases()
    let disk = SimulatedDisk()
    var store: SlotStore { SlotStore(files: disk, keys: releases.keys) }

    func start(_ second: Int = 1, check: SlotStore.Check = passes) throws -> SlotStore.Start {
        store.start(now: try moment(second), check: check)
    }

    @Test("where nothing is installed the package's bundle serves, and nothing is written")
    func empty() throws {
        let start = try start()
        #expect(start.source == .package && start.bundle == nil && start.trial == nil && start.notes.isEmpty)
        #expect(disk.steps == 0)
    }

    @Test("an installed bundle is tried from the next start on, and serves when it has passed")
    func passed() throws {
        let packed = try releases.make(4)
        let release = try store.install(packed, allowsDowngrade: false, now: moment(0), check: passes)
        #expect(release.version == 4)
        let tried = try start()
        #expect(tried.source == .slot(.a) && tried.trial?.starts == 1)
        #expect(try tried.bundle?.id == SmallReleases.id(packed))
        try store.settle(#require(tried.trial), .undecided, frames: 3, seconds: 60, now: moment(2))
        #expect(try store.read().trial == SlotState.Trial(slot: .a, starts: 1, seconds: 60, frames: 3))
        let again = try start(3)
        #expect(again.trial == SlotState.Trial(slot: .a, starts: 2, seconds: 60, frames: 3))
        try store.settle(#require(again.trial), .passed, frames: 50, seconds: 5, now: moment(4))
        let state = try store.read()
        #expect(state.active == .slot(.a) && state.previous == .package && state.trial == nil)
        #expect(state.accepted == [releases.key.publicKey.id: 4])
        let kept = try start()
        #expect(kept.source == .slot(.a) && kept.trial == nil)
    }

    @Test("slots take turns, and the one that serves is never written")
    func turns() throws {
        for version in 1...5 {
            try store.keep(releases.make(UInt64(version), size: 1_000), second: version)
            let state = try store.read()
            #expect(state.active == .slot(version % 2 == 1 ? .a : .b))
            #expect(state.previous == (version == 1 ? .package : .slot(version % 2 == 1 ? .b : .a)))
        }
    }

    @Test("a trial that is not confirmed in three starts goes back by itself, and keeps its log")
    func threeStarts() throws {
        try store.keep(releases.make(1))
        _ = try store.install(releases.make(2), allowsDowngrade: false, now: moment(0), check: passes)
        for number in 1...3 {
            let tried = try start(number)
            #expect(tried.source == .slot(.b) && tried.trial?.starts == number)
        }
        let back = try start(4)
        #expect(back.source == .slot(.a) && back.trial == nil)
        #expect(back.notes.count == 1 && back.notes[0].contains("not confirmed after 3 starts"))
        #expect(try store.read().failures.map(\.release.version) == [2])
        let log = String(decoding: try #require(try disk.read("trial-failed.log", limit: 1 << 20)), as: UTF8.self)
        #expect(log.split(separator: "\n").count == 5, "\(log)")
        #expect(log.contains("start 3") && log.contains("failed: not confirmed"))
    }

    @Test("a bundle that does not pass its self-test at the start goes back at once")
    func selfTestFails() throws {
        try store.keep(releases.make(1))
        _ = try store.install(releases.make(2), allowsDowngrade: false, now: moment(0), check: passes)
        let back = try start(check: fails)
        #expect(back.source == .slot(.a) && back.notes.count == 1)
        #expect(try start().source == .slot(.a))
    }

    @Test("a bundle that does not pass its self-test is not installed")
    func refusedBeforeWriting() throws {
        #expect(throws: RolloutError.untestable) {
            try store.install(releases.make(2), allowsDowngrade: false, now: moment(0), check: fails)
        }
        #expect(disk.steps == 0)
    }

    @Test("a frame that cannot be encoded, or half an hour without enough frames, ends a trial")
    func verdicts() throws {
        let trial = SlotState.Trial(slot: .a, starts: 2, seconds: 1_700, frames: 40)
        #expect(SlotState.judge(trial, frames: 9, failures: 0, seconds: 99) == .undecided)
        #expect(SlotState.judge(trial, frames: 10, failures: 0, seconds: 0) == .passed)
        guard case .failed(let late) = SlotState.judge(trial, frames: 9, failures: 0, seconds: 100),
            case .failed(let broken) = SlotState.judge(trial, frames: 60, failures: 1, seconds: 0)
        else {
            Issue.record("both have failed")
            return
        }
        #expect(late.contains("30 minutes") && broken.contains("1 of 61"))
        _ = try store.install(releases.make(1), allowsDowngrade: false, now: moment(0), check: passes)
        let tried = try start()
        try store.settle(#require(tried.trial), .failed(reason: broken), frames: 60, seconds: 0, now: moment(2))
        #expect(try start().source == .package)
        #expect(try store.read().failures.map(\.reason) == [broken])
    }

    @Test("the verdict of a start before does not reach the next trial")
    func lateVerdict() throws {
        _ = try store.install(releases.make(1), allowsDowngrade: false, now: moment(0), check: passes)
        let first = try #require(try start().trial)
        let second = try #require(try start().trial)
        try store.settle(first, .passed, frames: 50, seconds: 0, now: moment(2))
        #expect(try store.read().trial == second)
    }

    @Test(
        "an older version of the same key is refused, also after a return by hand; a trial that failed raises nothing")
    func ratchet() throws {
        try store.keep(releases.make(5))
        try store.keep(releases.make(7))
        #expect(try store.rollBack(now: moment(3)).active == .slot(.a))
        #expect(
            throws: RolloutError.older(version: 6, accepted: 7, key: releases.key.publicKey.id)
        ) { try store.install(releases.make(6), allowsDowngrade: false, now: moment(4), check: passes) }
        _ = try store.install(releases.make(9), allowsDowngrade: false, now: moment(5), check: passes)
        _ = try start(check: fails)
        try store.keep(releases.make(8))
        _ = try store.install(releases.make(2), allowsDowngrade: true, now: moment(6), check: passes)
    }

    @Test("each key has its own count: one that was stolen cannot use up the numbers of the other")
    func ratchetByKey() throws {
        let other = SigningSecretKey()
        let store = SlotStore(files: disk, keys: TrustedKeys([releases.key.publicKey, other.publicKey]))
        try store.keep(releases.make(1_000_000))
        try store.keep(releases.make(3, key: other))
        #expect(
            try store.read().accepted == [releases.key.publicKey.id: 1_000_000, other.publicKey.id: 3])
    }

    @Test("what no trusted key signed is not installed, and nothing is written")
    func unsigned() throws {
        let other = SigningSecretKey()
        #expect(
            throws: RolloutError.firmware(.signature(file: "manifest.json.minisig", .unknownKey(other.publicKey.id)))
        ) { try store.install(releases.make(1, key: other), allowsDowngrade: false, now: moment(0), check: passes) }
        #expect(disk.steps == 0)
    }

    @Test("no second bundle is installed while one is tried")
    func running() throws {
        _ = try store.install(releases.make(1), allowsDowngrade: false, now: moment(0), check: passes)
        #expect(throws: RolloutError.trialRunning(version: 1)) {
            try store.install(releases.make(2), allowsDowngrade: false, now: moment(0), check: passes)
        }
        #expect(try store.rollBack(now: moment(1)).trial == nil)
        _ = try store.install(releases.make(2), allowsDowngrade: false, now: moment(0), check: passes)
    }

    @Test("a damaged bundle that serves gives way to the one before it, and that to the package's")
    func damaged() throws {
        try store.keep(releases.make(1))
        try store.keep(releases.make(2))
        disk.damage("b/part-1.bin")
        let back = try start()
        #expect(back.source == .slot(.a) && back.notes.count == 1 && back.notes[0].contains("part-1.bin"))
        disk.damage("a/manifest.json")
        #expect(try start().source == .package)
    }

    @Test("a key that is no longer trusted takes its bundles with it")
    func revoked() throws {
        try store.keep(releases.make(1))
        let start = SlotStore(files: disk, keys: TrustedKeys([])).start(now: try moment(1), check: passes)
        #expect(start.source == .package && start.notes.count == 1)
    }

    @Test("a damaged state is set aside: the package's bundle serves, and older versions stay refused")
    func damagedState() throws {
        try store.keep(releases.make(5))
        disk.damage("state.json")
        #expect(try start().source == .package)
        #expect(disk.names.contains("state.json.damaged"))
        #expect(
            throws: RolloutError.older(version: 4, accepted: 5, key: releases.key.publicKey.id)
        ) { try store.install(releases.make(4), allowsDowngrade: false, now: moment(2), check: passes) }
        try store.keep(releases.make(6))
        #expect(try start().trial == nil)
    }

    @Test("going back by hand swaps what serves; where nothing served before it says so")
    func rollBack() throws {
        #expect(throws: RolloutError.noPrevious) { try store.rollBack(now: moment(0)) }
        try store.keep(releases.make(1))
        try store.keep(releases.make(2))
        #expect(try store.rollBack(now: moment(1)).active == .slot(.a))
        #expect(try store.rollBack(now: moment(2)).active == .slot(.b))
    }

    @Test("what was rolled back is tried again when it is asked for; what is older, damaged or not there is not")
    func activates() throws {
        #expect(throws: RolloutError.nothingToTry) { try store.activate(now: moment(0), check: passes) }
        try store.keep(releases.make(1))
        #expect(throws: RolloutError.nothingToTry) { try store.activate(now: moment(0), check: passes) }
        try store.keep(releases.make(2))
        #expect(
            throws: RolloutError.older(version: 1, accepted: 2, key: releases.key.publicKey.id)
        ) { try store.activate(now: moment(1), check: passes) }
        _ = try store.rollBack(now: moment(2))
        #expect(try store.activate(now: moment(3), check: passes).version == 2)
        let tried = try start(4)
        #expect(tried.source == .slot(.b) && tried.trial?.starts == 1)
        #expect(throws: RolloutError.trialRunning(version: 2)) { try store.activate(now: moment(5), check: passes) }
        try store.settle(#require(tried.trial), .passed, frames: 50, seconds: 5, now: moment(6))
        #expect(try store.read().active == .slot(.b))
        _ = try store.rollBack(now: moment(7))
        disk.damage("b/part-1.bin")
        let before = try store.read()
        #expect(throws: RolloutError.self) { try store.activate(now: moment(8), check: passes) }
        #expect(try store.read() == before)
    }

    @Test("on a real disk the same holds")
    func realDisk() throws {
        let folder = try TemporaryFolder()
        let store = SlotStore(directory: folder.file("slots"), keys: releases.keys)
        #expect(store.start(now: try moment(0), check: passes).source == .package)
        #expect(try folder.contents().isEmpty)
        try store.keep(releases.make(1))
        try store.keep(releases.make(2))
        let start = SlotStore(directory: folder.file("slots"), keys: releases.keys)
            .start(now: try moment(1), check: passes)
        #expect(start.source == .slot(.b))
        #expect(try start.bundle?.id == SmallReleases.id(releases.make(2)))
    }
}

extension SlotStoreTests {
    @Test("on a disk that cannot be written what was kept serves, and nothing is tried")
    func readOnly() throws {
        try store.keep(releases.make(1))
        _ = try store.install(releases.make(2), allowsDowngrade: false, now: moment(0), check: passes)
        disk.cut(before: 0)
        let start = try start()
        #expect(start.source == .slot(.a) && start.trial == nil && start.notes.count == 1)
        disk.cut(before: nil)
        #expect(try self.start().source == .slot(.b))
    }
}
