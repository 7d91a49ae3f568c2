import PerigeeSpool

/// What waits for the next commit of the spool. A pure value.
struct CommitGroup: Sendable {
    /// Frames that were appended, and the octets of their packets.
    private(set) var frames: [(item: UplinkItem, packetSize: Int)] = []
    /// Frames that have nothing waiting any more.
    private(set) var settled: [SettledFrame] = []
    /// When the commit is due at the latest, on the monotonic clock; nil where nothing waits.
    private(set) var deadline: Int64?
    /// Before it no commit is tried: the last one met a full disk.
    private var retry = Int64.min
    private var packets = 0
    private var size = 0

    var isEmpty: Bool { deadline == nil }

    /// Whether the commit should be made now.
    func isDue(_ now: Int64) -> Bool {
        guard let deadline, now >= retry else { return false }
        return now >= deadline || packets >= SpoolThread.packetLimit || size >= SpoolThread.sizeLimit
            || frames.last?.item.priority == 0
    }

    mutating func add(_ item: UplinkItem, packets: Int, size: Int, now: Int64) {
        frames.append((item, size))
        self.packets += packets
        self.size += size
        touch(now)
    }

    mutating func settle(_ settlement: Settlement, now: Int64) {
        settled += settlement.frames
        packets += settlement.packets / 8  // a deletion costs less than what it deletes
        if settlement.packets > 0 || !settlement.frames.isEmpty { touch(now) }
    }

    /// Frames that the spool gave up by itself.
    mutating func add(settled frames: [SettledFrame], now: Int64) {
        settled += frames
        if !frames.isEmpty { touch(now) }
    }

    /// The commit failed for want of room: it is tried again then.
    mutating func postpone(until time: Int64) {
        retry = time
        deadline = time
    }

    /// Something changed that must be committed.
    mutating func touch(_ now: Int64) { if deadline == nil { deadline = now + SpoolThread.windowMilliseconds } }
}
