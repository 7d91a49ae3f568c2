import PerigeeConcurrency
import PerigeeCore
import PerigeeTransport

/// The thread that cuts encoded frames into packets and gives them to the link, each declaration before its first use.
// `declared` belongs to the one thread that calls `run`; the rest is Sendable.
final class Uplink: @unchecked Sendable {
    private struct Waiting: Sendable {
        var last: UInt64
        var rawSize: Int
        var packetSize: Int
        var label: String
    }

    private let context: StationContext
    private let link: LinkClient
    private var declared: Set<Int> = []
    /// Frames whose last packet is not acknowledged yet, oldest first. No more than packets that the link holds.
    private let waiting = Locked<[Waiting]>([])

    init(context: StationContext, link: LinkClient) {
        self.context = context
        self.link = link
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
        var last: UInt64 = 0
        for packet in packets {
            guard let number = enqueue(packet) else {
                context.fail(.stopped, detail: "the link did not take its packets in time", sensor: item.label)
                return
            }
            last = number
        }
        let size = packets.reduce(0) { $0 + $1.count }
        let frame = Waiting(last: last, rawSize: item.rawSize, packetSize: size, label: item.label)
        waiting.withLock { $0.append(frame) }
        context.counters.withLock { counters in
            counters.encoded += 1
            counters.inWork -= 1
            counters.sensor(item.label) {
                $0.encoded += 1
                $0.rawSizeEncoded += item.rawSize
                $0.packetSize += size
            }
        }
    }

    /// Waits for room as long as the station lives; nil when it gives up.
    private func enqueue(_ packet: [UInt8]) -> UInt64? {
        while !context.isAbandoned.current {
            switch try? link.enqueue(packet, timeoutMilliseconds: 500) {
            case .accepted(let number): return number
            case .full:
                context.log.write(.notice, "link_queue_full", ["held": "\(link.snapshot.heldSize)"])
            case .tooLarge, .stopped, nil: return nil
            }
        }
        return nil
    }

    /// Counts the frames all of whose packets are settled.
    func account(_ snapshot: LinkClient.Snapshot) {
        let settled = waiting.withLock { waiting -> [Waiting] in
            let count = waiting.firstIndex { $0.last >= snapshot.lowest } ?? waiting.count
            defer { waiting.removeFirst(count) }
            return Array(waiting[..<count])
        }
        guard !settled.isEmpty else { return }
        context.counters.withLock { counters in
            for frame in settled {
                counters.sensor(frame.label) {
                    $0.acknowledged += 1
                    $0.rawSizeAcknowledged += frame.rawSize
                    $0.packetSizeAcknowledged += frame.packetSize
                }
            }
        }
    }
}
