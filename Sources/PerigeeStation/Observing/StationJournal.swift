import PerigeeConcurrency
import PerigeeCore
import PerigeeJSON
import PerigeeLink
import PerigeeMetrics
import PerigeeSpool
import PerigeeTransport

/// What happened lately in this process: the ring behind events.json, and the surprises of status.json.
final class StationJournal: Sendable {
    private static let surpriseLimit = 32

    private let ring: Locked<EventRing>
    private let recent = Locked<[JSONValue]>([])

    init(boot: Timestamp) { ring = Locked(EventRing(boot: boot)) }

    func add(_ kind: String, _ members: [JSONValue.Member]) {
        let now = currentTime().utc
        ring.withLock { $0.add(kind, members, now: now) }
    }

    /// A frame whose place looks unlike itself.
    func addSurprise(sensor: String, place: String?, score: Double) {
        let members: [JSONValue.Member] = [
            .init("sensor", .string(sensor)), .init("place", .optional(place)),
            .init("score", .number((score * 1_000).rounded() / 1_000)),
        ]
        add("surprise", members)
        let entry = JSONValue.object([.init("time", .string(currentTime().utc.rfc3339))] + members)
        recent.withLock { recent in
            recent.insert(entry, at: 0)
            recent.removeLast(max(recent.count - Self.surpriseLimit, 0))
        }
    }

    /// Newest first.
    var surprises: [JSONValue] { recent.current }

    func events(after: Int) -> JSONValue { ring.withLock { $0.json(after: after) } }
}

extension StationJournal {
    /// Frames that a restart may have sent again keep the number of their epoch.
    func addStored(_ item: UplinkItem, packetSize: Int) {
        add(
            "frame_stored",
            [
                .init("sensor", .string(item.ticket.label)),
                .init("frame", .integer(Int(clamping: item.assignment.frame))),
                .init("raw_bytes", .integer(item.rawSize)), .init("packet_bytes", .integer(packetSize)),
                .init("layers", .integer(item.layers.count)), .init("priority", .integer(item.priority)),
            ])
    }

    func addSettled(_ frame: SettledFrame, now: Timestamp) {
        let head: [JSONValue.Member] = [
            .init("sensor", .string(frame.label)), .init("frame", .integer(Int(clamping: frame.number))),
        ]
        switch frame.fate {
        case .delivered(let isThinned):
            let seconds = Double(now.milliseconds - frame.stored.milliseconds) / 1_000
            add(
                "frame_delivered",
                head + [
                    .init("raw_bytes", .integer(frame.rawSize)), .init("packet_bytes", .integer(frame.packetSize)),
                    .init("thinned", .bool(isThinned)), .init("seconds", .number(seconds)),
                ])
        case .dropped(let reason): add("frame_dropped", head + [.init("reason", .string("\(reason)"))])
        case .quarantined: add("frame_quarantined", head)
        }
    }
}
