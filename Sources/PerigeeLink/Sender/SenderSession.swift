internal import PerigeeCore

/// What one WELCOME opened, as the station sees it.
struct SenderSession: Sendable {
    /// A packet on the line.
    struct Flying: Sendable {
        let number: UInt64
        let size: Int
        let sent: Int64
        /// What was durable when it was sent, and when that was known: the rate is what became durable since.
        let deliveredBefore: Int
        let deliveredTime: Int64
        /// Others were on the line before it.
        let isLoaded: Bool
        /// Nothing more was there to send.
        let isLimited: Bool
    }

    let identity: UInt32
    /// Index of the gateway.
    let gateway: Int
    let opened: Int64
    /// The gateway's limit on the packets of one DATA.
    let batchSize: Int
    /// The smaller of the gateway's credit and our own window.
    var credit: Credit
    var lanes: SenderLanes
    /// The batch that is being filled.
    var building: [StoredPacket] = []
    var buildingSize = 0
    /// Sent in this session and not settled, in the order of sending.
    var flight: [Flying] = []
    var flightSize = 0
    /// Tombstones on the line.
    var stones: [Range<UInt64>] = []
    /// All that acknowledgements have covered so far: each names only some of it.
    private(set) var settled = SequenceSet()
    var delivered = 0
    var deliveredTime: Int64
    var repair = SenderRepair()
    /// In a lost epoch: all holes up to here are named by tombstones, and the highest number that the gateway has.
    var lost: (end: UInt64, highest: UInt64)?
    var lastHeard: Int64
    var lastProgress: Int64
    var pings = 0
    var lastPing: Int64 = 0
    private static let rangeLimit = 4_096
    /// Whether something is on the line.
    var isWaiting: Bool { !flight.isEmpty || !stones.isEmpty }

    init(
        _ welcome: LinkMessage.Welcome, gateway: Int, credit: Credit, batchSize: Int, lowest: UInt64, next: UInt64,
        now: Int64
    ) {
        identity = welcome.session
        self.gateway = gateway
        opened = now
        self.batchSize = batchSize
        self.credit = credit
        lanes = SenderLanes(lowest: lowest, boundary: next)
        deliveredTime = now
        lastHeard = now
        lastProgress = now
    }

    /// Whether `more` packets of together `size` octets may be on the line besides, by credit and window.
    func allows(_ size: Int, more: Int = 1, window: Int) -> Bool {
        let count = flight.count + building.count + repair.flightCount + more
        let octets = flightSize + buildingSize + repair.flightSize + size
        // one packet always may, or a window below its size would never open
        return count <= credit.packets && octets <= credit.size && (octets <= window || flightSize == 0)
    }

    /// Whether a packet needs no sending any more: it is settled, or a tombstone stands for it.
    func isDone(_ number: UInt64) -> Bool {
        settled.contains(number) || stones.contains { $0.contains(number) }
    }

    /// What the gateway may be told as lowest: nothing that it lacks and that no tombstone explains yet.
    func told(_ lowest: UInt64) -> UInt64 { min(lowest, settled.cumulative + 1) }

    /// Tombstones for what is settled, and not by this gateway: another one has it. Where this one has a packet after all, that wins.
    func elsewhere(below lowest: UInt64, now: Timestamp) -> [Tombstone] {
        guard settled.cumulative + 1 < lowest else { return [] }
        var known = settled
        for range in stones { known.insert(range) }
        for packet in flight { known.insert(packet.number) }
        known.insert(lowest..<lowest + 1)
        var holes: [Tombstone] = []
        var next = known.cumulative + 1
        for range in known.ranges.prefix(LinkLimit.tombstones) where range.lowerBound <= lowest {
            holes.append(
                Tombstone(
                    numbers: next..<range.lowerBound, reason: .elsewhere, frames: 0, size: 0, first: now, last: now))
            next = range.upperBound
        }
        return holes
    }

    /// Whether not even the smallest packet may be sent.
    func isThrottled(window: Int) -> Bool { !allows(1, window: window) }

    /// Takes out of flight what is covered; answers count, octets, and the newest of them.
    mutating func settle(_ covered: Acknowledgement, now: Int64) -> (count: Int, size: Int, newest: Flying?) {
        settled.raise(lowest: covered.cumulative + 1)
        for range in covered.ranges { settled.insert(range) }
        _ = settled.forget(beyond: Self.rangeLimit)  // those may be sent again, which does no harm
        var newest: Flying?
        let before = (flight.count, flightSize, stones.count)
        flight.removeAll { packet in
            guard covered.contains(packet.number) else { return false }
            flightSize -= packet.size
            if packet.sent >= newest?.sent ?? .min { newest = packet }
            return true
        }
        stones.removeAll { settled.contains($0) }
        if flight.count < before.0 || stones.count < before.2 { lastProgress = now }
        delivered += before.1 - flightSize
        if newest != nil { deliveredTime = now }
        return (before.0 - flight.count, before.1 - flightSize, newest)
    }
}

extension Acknowledgement {
    /// Whether it covers all of `numbers`.
    func contains(_ numbers: Range<UInt64>) -> Bool {
        if numbers.upperBound - 1 <= cumulative { return true }
        let rest = max(numbers.lowerBound, cumulative + 1)..<numbers.upperBound
        return ranges.contains { $0.lowerBound <= rest.lowerBound && $0.upperBound >= rest.upperBound }
    }
}

extension SequenceSet {
    /// Whether it has all of `numbers`.
    func contains(_ numbers: Range<UInt64>) -> Bool {
        let last = numbers.upperBound - 1
        if last <= cumulative { return true }
        guard let range = range(containing: last) else { return false }
        return range.lowerBound <= max(numbers.lowerBound, cumulative + 1)
    }
}

/// What a session sends again because the gateway asked for it, at most a quarter of the line while there is other work.
struct SenderRepair: Sendable {
    /// Requests that the store has not answered.
    var asked: [UInt32: LinkMessage.Want] = [:]
    /// Numbers that were asked for and granted, first come first.
    var numbers: [Range<UInt64>] = []
    var isLoading = false
    var packets: [StoredPacket] = []
    /// The last batch, which counts as in flight until it must be durable: no acknowledgement can name numbers that the
    /// gateway had before.
    var flightCount = 0
    var flightSize = 0
    var flightEnd: Int64?
    /// Octets that other packets must get first.
    var debt = 0
    static let requestLimit = 16

    mutating func land(_ now: Int64) {
        guard let flightEnd, now >= flightEnd else { return }
        self.flightEnd = nil
        flightCount = 0
        flightSize = 0
    }

    /// The first part of what was granted, and what of it the store looked through.
    mutating func take(_ looked: Range<UInt64>, _ found: [StoredPacket]) {
        isLoading = false
        guard let first = numbers.first, first.lowerBound == looked.lowerBound else { return }
        packets += found
        numbers.removeFirst()
        if looked.upperBound < first.upperBound { numbers.insert(looked.upperBound..<first.upperBound, at: 0) }
    }
}
