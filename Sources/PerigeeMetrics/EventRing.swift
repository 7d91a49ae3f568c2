public import PerigeeCore
public import PerigeeJSON

/// The last events of a process, numbered from 1. A pure value; when it is full the oldest goes. Source: Docs/status.md section 5.
public struct EventRing: Sendable {
    /// Events that are kept.
    public static let limit = 1_024

    private struct Event: Sendable {
        var time: Timestamp
        var kind: String
        var members: [JSONValue.Member]
    }

    /// Event n lies at n modulo the limit.
    private var events: [Event] = []
    private let boot: Timestamp
    /// Number of the newest; 0 before the first.
    public private(set) var last = 0

    /// Empty. `boot` tells this process from the one before.
    public init(boot: Timestamp) { self.boot = boot }

    /// Number of the oldest that is kept; 1 before the first.
    public var first: Int { last - events.count + 1 }

    /// Takes one event in.
    public mutating func add(_ kind: String, _ members: [JSONValue.Member], now: Timestamp) {
        last += 1
        let event = Event(time: now, kind: kind, members: members)
        if events.count < Self.limit { events.append(event) } else { events[(last - 1) % Self.limit] = event }
    }

    /// Those behind number `after`, oldest first, as events.json.
    public func json(after: Int) -> JSONValue {
        let from = max(first, after < last ? after + 1 : last + 1)
        let found = from <= last ? (from...last).map(object) : []
        return .object([
            "v": .integer(2), "boot": .string(boot.rfc3339), "first": .integer(first), "last": .integer(last),
            "events": .array(found),
        ])
    }

    private func object(_ number: Int) -> JSONValue {
        let event = events[(number - 1) % Self.limit]
        return .object(
            [
                .init("n", .integer(number)), .init("time", .string(event.time.rfc3339)),
                .init("kind", .string(event.kind)),
            ] + event.members)
    }
}
