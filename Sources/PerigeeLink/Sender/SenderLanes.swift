internal import PerigeeCore

/// Packets of one priority on their way from the store to the line.
struct SenderLane: Sendable {
    let priority: Int
    /// Up to here the store was looked through.
    var cursor: UInt64
    var isLoading = false
    /// Read ahead, ascending; those before `head` are gone.
    private var packets: [StoredPacket] = []
    private var head = 0
    private(set) var size = 0

    init(priority: Int, cursor: UInt64) {
        self.priority = priority
        self.cursor = cursor
    }

    var first: StoredPacket? { head < packets.count ? packets[head] : nil }

    mutating func append(_ more: [StoredPacket]) {
        packets.removeSubrange(..<head)
        head = 0
        packets += more
        size += more.reduce(0) { $0 + $1.packet.count }
    }

    mutating func removeFirst() -> StoredPacket? {
        guard let first else { return nil }
        head += 1
        size -= first.packet.count
        return first
    }
}

/// In which order a session sends what the store holds. Priority 0 goes first; of the rest, half of the octets are live, which is
/// what came since the session began, and half are backlog, so that neither waits for the other. What one half does not use,
/// the other gets.
struct SenderLanes: Sendable {
    /// Numbers from here on are live.
    let boundary: UInt64
    private var backlog: [SenderLane]
    private var live: [SenderLane]
    /// Octets of live less those of backlog while both had some.
    private var balance = 0
    /// How far one half may run ahead of the other.
    private static let balanceLimit = 32 << 10

    init(lowest: UInt64, boundary: UInt64) {
        let priorities = 0...Int(LinkLimit.priority)
        self.boundary = boundary
        backlog = priorities.map { SenderLane(priority: $0, cursor: lowest) }
        live = priorities.map { SenderLane(priority: $0, cursor: boundary) }
    }

    /// Whether something is on its way from the store.
    var isLoading: Bool { (backlog + live).contains { $0.isLoading } }
    /// Whether nothing is read ahead.
    var isEmpty: Bool { (backlog + live).allSatisfy { $0.first == nil } }
    /// Whether what was there before the session is not yet all on the line.
    func isResuming(_ store: StoreState) -> Bool {
        backlog.contains { $0.first != nil || ($0.cursor < boundary && store.heldByPriority[$0.priority] > 0) }
    }

    /// What to ask of the store, so that the line has something to send.
    mutating func requests(_ store: StoreState, readAhead: Int) -> [StoreRequest] {
        let share = readAhead / (backlog.count + live.count)
        var requests: [StoreRequest] = []
        func ask(_ lane: inout SenderLane, _ end: UInt64) {
            let start = max(lane.cursor, store.lowest)
            guard !lane.isLoading, lane.size < share / 2, start < end, store.heldByPriority[lane.priority] > 0 else {
                return
            }
            lane.cursor = start
            lane.isLoading = true
            requests.append(
                .load(epoch: store.epoch, priority: lane.priority, numbers: start..<end, size: share - lane.size))
        }
        for index in backlog.indices {
            ask(&backlog[index], boundary)
            ask(&live[index], store.next)
        }
        return requests
    }

    /// Takes what the store answered; false where nobody asked for it in this session.
    mutating func take(priority: Int, numbers: Range<UInt64>, packets: [StoredPacket]) -> Bool {
        func take(_ lane: inout SenderLane) -> Bool {
            guard lane.isLoading, lane.cursor == numbers.lowerBound else { return false }
            lane.isLoading = false
            lane.cursor = numbers.upperBound
            lane.append(packets)
            return true
        }
        guard backlog.indices.contains(priority) else { return false }
        return numbers.lowerBound < boundary ? take(&backlog[priority]) : take(&live[priority])
    }

    /// The packet whose turn it is.
    var first: StoredPacket? {
        guard let (isLive, index) = turn() else { return nil }
        return isLive ? live[index].first : backlog[index].first
    }

    /// Takes it.
    mutating func removeFirst() {
        guard let (isLive, index) = turn() else { return }
        let isShared = index > 0 && Self.head(live) != nil && Self.head(backlog) != nil
        let packet = isLive ? live[index].removeFirst() : backlog[index].removeFirst()
        guard let packet, index > 0 else { return }
        let size = packet.packet.count
        balance = isShared ? balance + (isLive ? size : -size) : 0
        balance = min(max(balance, -Self.balanceLimit), Self.balanceLimit)
    }

    private func turn() -> (isLive: Bool, index: Int)? {
        if backlog[0].first != nil { return (false, 0) }
        if live[0].first != nil { return (true, 0) }
        switch (Self.head(live), Self.head(backlog)) {
        case (let newest?, let oldest?): return balance <= 0 ? (true, newest) : (false, oldest)
        case (let newest?, nil): return (true, newest)
        case (nil, let oldest?): return (false, oldest)
        case (nil, nil): return nil
        }
    }

    /// The first lane behind priority 0 that has something.
    private static func head(_ lanes: [SenderLane]) -> Int? {
        lanes.indices.dropFirst().first { lanes[$0].first != nil }
    }
}
