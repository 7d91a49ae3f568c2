internal import PerigeeCore
internal import PerigeeLink

/// What the gateway knows of each station since its own start: counters, how much waits, and whether the name is used twice.
struct StationBook: Sendable {
    /// What becomes of a HELLO.
    enum Verdict: Equatable {
        case welcome
        case conflict
        case refused(ByeReason, String)
    }

    struct Station: Sendable {
        var status: GatewayStatus.Station
        var watch = IdentityWatch()
        /// HELLOs that may still come now, in thousandths; it grows by one a second.
        var greetings: Int64 = 1_000 * StationBook.greetingBurst
        var greeted: Int64
        var heard: Int64
    }

    static let greetingBurst: Int64 = 60
    /// Names that are remembered; without keys anybody can make one up.
    static let nameLimit = 4_096
    private var stations: [String: Station] = [:]

    /// Judges a HELLO before the archive is asked.
    mutating func greet(_ hello: LinkMessage.Hello, now: LinkTime) -> Verdict {
        let name = hello.station.text
        var station = stations[name] ?? Station(status: .init(name: name), greeted: now.monotonic, heard: now.monotonic)
        defer {
            stations[name] = station
            forget(but: name)
        }
        station.heard = now.monotonic
        station.status.lastHeard = now.utc
        let grown = station.greetings + now.monotonic - station.greeted
        station.greetings = min(grown, 1_000 * Self.greetingBurst)
        station.greeted = now.monotonic
        guard station.greetings >= 1_000 else {
            station.status.refusedGreetings += 1
            return .refused(.full, "more than \(Self.greetingBurst) greetings a minute")
        }
        station.greetings -= 1_000
        switch station.watch.greet(boot: hello.boot, now: now.monotonic) {
        case .welcome: return .welcome
        case .conflict:
            station.status.identityConflicts += 1
            return .conflict
        case .refused:
            station.status.identityConflicts += 1
            station.status.refusedGreetings += 1
            return .refused(.superseded, "another station uses its name: the older of both is kept out for ten minutes")
        }
    }

    mutating func heard(_ name: String, _ now: LinkTime) {
        stations[name]?.heard = now.monotonic
        stations[name]?.status.lastHeard = now.utc
    }

    mutating func opened(_ hello: LinkMessage.Hello) {
        stations[hello.station.text]?.status.epoch = hello.epoch.text
        stations[hello.station.text]?.status.sessionsOpened += 1
    }

    mutating func add(_ name: String, _ counters: ReceiverMachine.Counters) {
        stations[name]?.status.counters.add(counters)
    }

    /// What became durable for a session that is gone.
    mutating func stored(_ name: String, _ outcome: ReceiverMachine.Outcome, size: Int) {
        switch outcome {
        case .stored:
            stations[name]?.status.counters.stored += 1
            stations[name]?.status.counters.storedSize += size
        case .duplicate: stations[name]?.status.counters.duplicates += 1
        case .conflict: stations[name]?.status.counters.conflicts += 1
        }
    }

    /// A packet that waits for the archive; false where too much of this station does already.
    mutating func wait(_ name: String, size: Int, limit: Int) -> Bool {
        guard let waiting = stations[name]?.status.waitingSize, waiting + size <= limit else { return false }
        stations[name]?.status.waitingSize += size
        return true
    }

    mutating func committed(_ name: String, size: Int) { stations[name]?.status.waitingSize -= size }

    mutating func told(_ name: String, _ ping: LinkMessage.Ping) {
        stations[name]?.status.queuedPackets = ping.queuedPackets
        stations[name]?.status.queuedSize = ping.queuedSize
        stations[name]?.status.account = ping.account
        stations[name]?.status.oldestAgeMilliseconds = ping.oldestAgeMilliseconds
    }

    /// All stations by name, without what their living sessions counted.
    func status(now: Int64) -> [GatewayStatus.Station] {
        stations.values.map { station in
            var status = station.status
            status.isInConflict = station.watch.isInConflict(now)
            return status
        }.sorted { $0.name < $1.name }
    }

    private mutating func forget(but name: String) {
        guard stations.count > Self.nameLimit else { return }
        let silent = stations.filter { $0.key != name && $0.value.status.waitingSize == 0 }
        if let oldest = silent.min(by: { $0.value.heard < $1.value.heard }) { stations[oldest.key] = nil }
    }
}
