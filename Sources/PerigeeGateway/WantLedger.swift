package import PerigeeArchive
package import PerigeeCore
package import PerigeeLink

/// Wants and what becomes of them, without files and clock: a value.
package struct WantLedger: Sendable {
    /// How many wants of a station may be under way: asked for, or promised and not here. It shares its line with the stream.
    package static let stationLimit = 4
    /// A promise older than this holds up no other want.
    package static let promiseMilliseconds: Int64 = 3_600_000
    /// How long a station that had too much to do is left alone.
    package static let retryMilliseconds: Int64 = 60_000
    /// How long an outcome can be read; of what the gateway wants for itself there may be many.
    package static let keepMilliseconds: Int64 = 7 * 86_400_000
    package static let ownKeepMilliseconds: Int64 = 3_600_000
    /// How long what was promised for a frame that waits may take.
    package static let patienceMilliseconds: Int64 = 86_400_000

    package private(set) var wants: [UInt32: ArchiveWant] = [:]
    private var retries: [UInt32: Int64] = [:]

    package init() {}

    package mutating func add(_ want: ArchiveWant) { wants[want.id] = want }

    package mutating func remove(_ identity: UInt32) {
        wants[identity] = nil
        retries[identity] = nil
    }

    /// A station was asked; `present`: how much of it was here then. Answers what must be written, nil where nothing changed.
    package mutating func asked(_ identity: UInt32, present: Int, now: Timestamp) -> ArchiveWant? {
        guard var want = wants[identity], !want.state.isFinal else { return nil }
        if want.state == .open { want.presentBefore = present }
        return change(&want, .asked, now)
    }

    /// A station has answered.
    package mutating func answered(_ answer: LinkMessage.Answer, now: LinkTime) -> ArchiveWant? {
        guard var want = wants[answer.request], !want.state.isFinal else { return nil }
        switch answer.outcome {
        case .accepted:
            want.packets = answer.packets
            return change(&want, .accepted, now.utc)
        case .gone: return change(&want, .gone, now.utc)
        case .unknown: return change(&want, .unknown, now.utc)
        case .full:
            retries[want.id] = now.monotonic + Self.retryMilliseconds
            return change(&want, .open, now.utc)
        }
    }

    /// How much of it is here now.
    package mutating func present(
        _ identity: UInt32, _ presence: ArchiveReader.Presence, now: Timestamp
    ) -> ArchiveWant? {
        guard var want = wants[identity], !want.state.isFinal else { return nil }
        let isKept = want.state == .accepted && presence.count >= want.presentBefore + want.packets
        guard presence.isComplete || isKept else { return nil }
        return change(&want, .done, now)
    }

    /// Promises for frames that wait which nobody kept: gone. Answers what must be written.
    package mutating func giveUp(now: Timestamp) -> [ArchiveWant] {
        wants.values.filter { want in
            want.reason != nil && want.state == .accepted
                && now.milliseconds - want.changed.milliseconds > Self.patienceMilliseconds
        }.compactMap { want in
            var want = want
            return change(&want, .gone, now)
        }
    }

    /// What a session of its station may be asked for, an operator's first and then the oldest; the same again in each session until it is answered, numbers
    /// until they are here. Layers and frames that were promised stand in the station's spool, and come by themselves.
    package func due(now: LinkTime) -> [ArchiveWant] {
        var underWay: [String: Int] = [:]
        for want in wants.values where want.state == .asked || want.state == .accepted {
            if now.utc.milliseconds - want.changed.milliseconds > Self.promiseMilliseconds { continue }
            underWay[want.station, default: 0] += 1
        }
        var due: [ArchiveWant] = []
        for want in wants.values.sorted(by: { Self.rank($0) < Self.rank($1) }) {
            switch (want.state, want.subject) {
            case (.asked, _), (.accepted, .numbers): due.append(want)
            case (.open, _):
                guard retries[want.id, default: .min] <= now.monotonic,
                    underWay[want.station, default: 0] < Self.stationLimit
                else { continue }
                underWay[want.station, default: 0] += 1
                due.append(want)
            default: continue
            }
        }
        return due
    }

    private static func rank(_ want: ArchiveWant) -> (Int, Int64, UInt32) {
        (want.reason == nil ? 0 : 1, want.created.milliseconds, want.id)
    }

    /// Those whose outcome nobody needs to read any more.
    package func expired(now: Timestamp) -> [UInt32] {
        wants.values.filter { want in
            let limit = want.reason == .waitingForReference ? Self.ownKeepMilliseconds : Self.keepMilliseconds
            return want.state.isFinal && now.milliseconds - want.changed.milliseconds > limit
        }.map(\.id).sorted()
    }

    /// How many there are in each state.
    package var counts: [ArchiveWant.State: Int] { wants.values.reduce(into: [:]) { $0[$1.state, default: 0] += 1 } }

    private mutating func change(_ want: inout ArchiveWant, _ state: ArchiveWant.State, _ now: Timestamp)
        -> ArchiveWant?
    {
        if want.state != state { want.changed = now }
        want.state = state
        guard wants[want.id] != want else { return nil }
        wants[want.id] = want
        return want
    }
}
