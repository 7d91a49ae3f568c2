import PerigeeConcurrency
import PerigeeCore
import PerigeeTransport

/// The thread that cuts encoded frames into packets and gives them to the link, each declaration before its first use.
// `declared` belongs to the one thread that calls `run`; the rest is Sendable.
final class Uplink: @unchecked Sendable {
    private struct Waiting: Sendable {
        /// Numbers of its packets, its declaration's included where it is the first to use it.
        var packets: ClosedRange<UInt64>
        var rawSize: Int
        var packetSize: Int
        var label: String
    }

    private let context: StationContext
    private let store: MemoryPacketStore
    private var declared: Set<Int> = []
    /// Frames whose last packet is not acknowledged yet, oldest first. No more than packets that the link holds.
    private let waiting = Locked<[Waiting]>([])
    /// Refused packets of frames that are still waiting, ascending.
    private let refused = Locked<[UInt64]>([])

    init(context: StationContext, store: MemoryPacketStore) {
        self.context = context
        self.store = store
    }

    /// Works until the queue is closed and empty.
    func run() {
        while let item = context.uplinkQueue.take() { send(item) }
    }

    private func send(_ item: UplinkItem) {
        var packets: [[UInt8]] = []
        if declared.insert(item.assignment.number).inserted { packets.append(item.assignment.declarationPacket) }
        packets += Packet.parts(
            of: item.layers, metadata: item.metadata, frame: item.assignment.frame, declaration: item.assignment.number,
            stream: item.assignment.stream
        ).map { $0.packed() }
        var numbers: ClosedRange<UInt64>?
        for packet in packets {
            guard let number = enqueue(packet) else {
                context.fail(.stopped, detail: "the link did not take its packets in time", ticket: item.ticket)
                return
            }
            numbers = (numbers?.lowerBound ?? number)...number
        }
        guard let numbers else { return }
        let size = packets.reduce(0) { $0 + $1.count }
        let frame = Waiting(packets: numbers, rawSize: item.rawSize, packetSize: size, label: item.ticket.label)
        waiting.withLock { $0.append(frame) }
        context.counters.withLock { counters in
            counters.spooled += 1
            counters.inWork -= 1
            counters.sequences.resolve(
                sensor: item.ticket.sensor, run: item.ticket.run, sequence: item.ticket.sequence)
            counters.sensor(item.ticket.label) {
                $0.encoded += 1
                $0.rawSizeEncoded += item.rawSize
                $0.packetSize += size
            }
        }
    }

    /// Waits for room as long as the station lives; nil when it gives up.
    private func enqueue(_ packet: [UInt8]) -> UInt64? {
        while !context.isAbandoned.current {
            switch try? store.enqueue(packet, timeoutMilliseconds: 500) {
            case .accepted(let number): return number
            case .full:
                context.log.write(.notice, "link_queue_full", ["held": "\(store.heldSize)"])
            case .tooLarge, .closed, nil: return nil
            }
        }
        return nil
    }

    /// Counts the frames all of whose packets are settled: as refused where the gateway would not take one of them.
    func account(lowest: UInt64) {
        let settled = waiting.withLock { waiting -> [Waiting] in
            let count = waiting.firstIndex { $0.packets.upperBound >= lowest } ?? waiting.count
            defer { waiting.removeFirst(count) }
            return Array(waiting[..<count])
        }
        // Asked after `lowest`: what is refused below it is in here.
        let news = store.takeRefused()
        let isRefused = refused.withLock { refused -> [Bool] in
            refused = (refused + news).sorted()
            defer { refused.removeAll { $0 < lowest } }
            return settled.map { frame in refused.contains { frame.packets.contains($0) } }
        }
        guard !settled.isEmpty else { return }
        context.counters.withLock { counters in
            for (frame, isRefused) in zip(settled, isRefused) {
                counters.sensor(frame.label) {
                    guard !isRefused else { return $0.refused += 1 }
                    $0.acknowledged += 1
                    $0.rawSizeAcknowledged += frame.rawSize
                    $0.packetSizeAcknowledged += frame.packetSize
                }
            }
        }
    }
}
