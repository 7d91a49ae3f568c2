import PerigeeConcurrency
import PerigeeCore
import PerigeeLink

/// Packets of an export as the link asks for them: epochs one after the other, each with its old numbers. What is settled is remembered
/// here alone; the file stays as it is.
final class ReplayStore: PacketStore {
    /// Why the gateway does not take an epoch as this file has it.
    struct Conflict: Equatable, Sendable {
        var epoch: Epoch
    }

    private struct Progress: Sendable {
        /// Of `PacketExportFile.epochs`.
        var index = 0
        /// By index of the entry.
        var isSettled: [Bool] = []
        var tombstones: [Tombstone] = []
        /// Entries before it are all settled.
        var head = 0
        var heldCount = 0
        var heldByPriority = [Int](repeating: 0, count: 4)
    }

    private struct State: Sendable {
        var progress = Progress()
        var deliver: (@Sendable (SenderMachine.Event) -> Void)?
        /// Of epochs before the one that is served.
        var settledBefore = 0
        var refused: [(epoch: Epoch, number: UInt64, field: String)] = []
        var conflict: Conflict?
        var hasUnreadable = false
    }

    private let file: PacketExportFile
    private let state: Locked<State>

    /// The file has at least one epoch.
    init(_ file: PacketExportFile) {
        self.file = file
        state = Locked(State())
        state.withLock { $0.progress = Self.begin(file, 0) }
    }

    private static func begin(_ file: PacketExportFile, _ index: Int) -> Progress {
        let epoch = file.epochs[index]
        var progress = Progress()
        progress.index = index
        progress.isSettled = [Bool](repeating: false, count: epoch.entries.count)
        progress.tombstones = epoch.tombstones
        progress.heldCount = epoch.entries.count
        for entry in epoch.entries { progress.heldByPriority[Int(entry.priority)] += Int(entry.size) }
        return progress
    }

    /// Says what it holds to `deliver`, now and after each change.
    func attach(_ deliver: @escaping @Sendable (SenderMachine.Event) -> Void) {
        state.withLock { state in
            state.deliver = deliver
            deliver(.store(storeState(state.progress)))
        }
    }

    /// Packets that are settled: acknowledged, or refused for good.
    var settledCount: Int {
        state.withLock { $0.settledBefore + $0.progress.isSettled.count - $0.progress.heldCount }
    }

    /// Everything is settled, tombstones too.
    var isDone: Bool {
        state.withLock { state in
            state.progress.index == file.epochs.count - 1 && state.progress.heldCount == 0
                && state.progress.tombstones.isEmpty
        }
    }

    /// The gateway has another history of this epoch, or a newer one.
    var conflict: Conflict? { state.withLock { $0.conflict } }
    /// The file cannot be read any more as it was.
    var hasUnreadable: Bool { state.withLock { $0.hasUnreadable } }
    /// Packets that the gateway will never take.
    var refused: [(epoch: Epoch, number: UInt64, field: String)] { state.withLock { $0.refused } }

    func request(_ request: StoreRequest) {
        state.withLock { state in
            for event in handle(request, &state) { state.deliver?(event) }
        }
    }

    private func handle(_ request: StoreRequest, _ state: inout State) -> [SenderMachine.Event] {
        let epoch = file.epochs[state.progress.index]
        let serves = epoch.head.epoch
        switch request {
        case .load(serves, let priority, let numbers, let size):
            let (looked, packets) = load(epoch, priority, numbers, size, &state)
            return [.loaded(epoch: serves, priority: priority, numbers: looked, packets: packets)]
        case .verify(serves, let digest):
            return [.verified(epoch: serves, number: digest.number, fits: fits(epoch, digest, state.progress))]
        case .settle(serves, let acknowledgement): settle(epoch, acknowledgement, &state.progress)
        case .setAside(serves, let number, _, let field):
            state.refused.append((serves, number, field))
            release(epoch, numbers: number..<number + 1, &state.progress)
        case .finish(serves) where state.progress.index + 1 < file.epochs.count:
            state.settledBefore += epoch.entries.count
            state.progress = Self.begin(file, state.progress.index + 1)
        case .fork(serves):
            // new numbers for old packets is what a replay must never do
            state.conflict = Conflict(epoch: serves)
            return []
        case .want(serves, let want):
            return [
                .answer(.init(session: want.session, request: want.request, outcome: .unknown, packets: 0))
            ]
        case .load, .verify, .settle, .setAside, .bury, .finish, .fork, .want, .replay, .offer, .piece: return []
        }
        return [.store(storeState(state.progress))]
    }

    private func storeState(_ progress: Progress) -> StoreState {
        let epoch = file.epochs[progress.index]
        let lowest = progress.head < epoch.entries.count ? epoch.entries[progress.head].number : epoch.head.next
        var state = StoreState(
            epoch: epoch.head.epoch,
            lowest: min(lowest, progress.tombstones.first?.numbers.lowerBound ?? lowest), next: epoch.head.next)
        state.heldCount = progress.heldCount
        state.heldByPriority = progress.heldByPriority
        state.heldSize = progress.heldByPriority.reduce(0, +)
        state.tombstones = Array(progress.tombstones.prefix(LinkLimit.tombstones))
        state.isClosed = progress.index + 1 < file.epochs.count
        return state
    }

    private func load(
        _ epoch: PacketExportFile.EpochPackets, _ priority: Int, _ numbers: Range<UInt64>, _ size: Int,
        _ state: inout State
    ) -> (Range<UInt64>, [StoredPacket]) {
        var packets: [StoredPacket] = []
        var sum = 0
        for index in epoch.first(from: numbers.lowerBound)..<epoch.entries.count {
            let entry = epoch.entries[index]
            guard entry.number < numbers.upperBound else { break }
            guard entry.priority == UInt8(priority), !state.progress.isSettled[index] else { continue }
            guard packets.isEmpty || sum + Int(entry.size) <= size else {
                return (numbers.lowerBound..<entry.number, packets)
            }
            guard let octets = file.packet(entry) else {
                state.hasUnreadable = true
                continue
            }
            sum += octets.count
            packets.append(StoredPacket(number: entry.number, priority: priority, packet: octets[...]))
        }
        return (numbers, packets)
    }

    /// What is not held fits.
    private func fits(
        _ epoch: PacketExportFile.EpochPackets, _ digest: PacketDigest, _ progress: Progress
    ) -> Bool {
        let index = epoch.first(from: digest.number)
        guard index < epoch.entries.count, epoch.entries[index].number == digest.number, !progress.isSettled[index],
            let octets = file.packet(epoch.entries[index])
        else { return true }
        return PacketDigest(number: digest.number, packet: octets[...]) == digest
    }

    private func settle(
        _ epoch: PacketExportFile.EpochPackets, _ acknowledgement: Acknowledgement, _ progress: inout Progress
    ) {
        for numbers in [0..<acknowledgement.cumulative + 1] + acknowledgement.ranges {
            release(epoch, numbers: numbers, &progress)
        }
        progress.tombstones.removeAll { stone in
            stone.numbers.upperBound <= acknowledgement.cumulative + 1
                || acknowledgement.ranges.contains {
                    $0.lowerBound <= stone.numbers.lowerBound && stone.numbers.upperBound <= $0.upperBound
                }
        }
    }

    private func release(
        _ epoch: PacketExportFile.EpochPackets, numbers: Range<UInt64>, _ progress: inout Progress
    ) {
        // all before the head is settled: an acknowledgement of everything so far costs what is new in it
        var index = max(epoch.first(from: numbers.lowerBound), progress.head)
        while index < epoch.entries.count, epoch.entries[index].number < numbers.upperBound {
            if !progress.isSettled[index] {
                progress.isSettled[index] = true
                progress.heldCount -= 1
                progress.heldByPriority[Int(epoch.entries[index].priority)] -= Int(epoch.entries[index].size)
            }
            index += 1
        }
        while progress.head < progress.isSettled.count, progress.isSettled[progress.head] { progress.head += 1 }
    }
}

extension PacketExportFile.EpochPackets {
    /// Index of the first entry with at least this number; the count where there is none.
    func first(from number: UInt64) -> Int {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
