internal import PerigeeCore

// How the window is filled.
extension SenderMachine {
    /// Sends as long as credit, window and rate allow. A batch that is not full waits for its hold time.
    mutating func pump(_ now: LinkTime, _ actions: inout [Action]) {
        guard case .open(var session) = phase, let store, bucket.isOpen else { return }
        sendTombstones(&session, store, now, &actions)
        var isHeld = false
        while bucket.isOpen {
            let isFull = fill(&session, store)
            for request in session.lanes.requests(store, readAhead: configuration.readAhead) {
                actions.append(.store(request))
            }
            guard !session.building.isEmpty else { break }
            guard isFull || isDue(session, now) else {
                isHeld = true
                break
            }
            sendBatch(&session, store, now, &actions)
        }
        if !isHeld, session.building.isEmpty, !session.lanes.isLoading { holdDeadline = nil }
        if bucket.isOpen { replay(&session, store, now, &actions) }
        phase = .open(session)
    }

    private mutating func isDue(_ session: SenderSession, _ now: LinkTime) -> Bool {
        if drainDeadline != nil { return true }
        // more is on its way from the store: worth a short wait
        if holdDeadline == nil, session.lanes.isLoading {
            holdDeadline = now.monotonic + configuration.holdMilliseconds
        }
        return holdDeadline.map { now.monotonic >= $0 } ?? true
    }

    /// Moves packets into the batch; true where it is as full as batch, window or credit allow.
    private mutating func fill(_ session: inout SenderSession, _ store: StoreState) -> Bool {
        let limit = min(
            session.batchSize,
            line.oneSecond(limit: bucket.limit, unknown: Self.firstBatchSize))
        while let packet = session.lanes.first {
            let size = packet.packet.count
            if packet.number < store.lowest || session.isDone(packet.number) {
                session.lanes.removeFirst()  // settled or dropped since it was read
                continue
            }
            let isFirst = session.building.isEmpty
            guard session.allows(size, window: window) else { return !isFirst }
            guard isFirst || session.building.count < LinkLimit.batchPackets && session.buildingSize + size <= limit
            else { return true }
            session.building.append(packet)
            session.buildingSize += size
            session.lanes.removeFirst()
        }
        return false
    }

    /// Octets of the first batches, before anything is known of the line.
    private static let firstBatchSize = 4 << 10

    private mutating func sendBatch(
        _ session: inout SenderSession, _ store: StoreState, _ now: LinkTime, _ actions: inout [Action]
    ) {
        let packets = session.building.sorted { $0.number < $1.number }
        session.building = []
        session.buildingSize = 0
        if session.flight.isEmpty {
            // the time without anything to send says nothing of the line
            session.deliveredTime = now.monotonic
            if session.stones.isEmpty { session.lastProgress = now.monotonic }
        }
        let isLoaded = session.isWaiting
        let isLimited = session.lanes.isEmpty && !session.lanes.isLoading
        var items: [LinkMessage.DataBatch.Item] = []
        for packet in packets {
            let size = packet.packet.count
            let isResent = unproven.removeValue(forKey: packet.number) != nil
            session.flight.append(
                .init(
                    number: packet.number, size: size, sent: now.monotonic, deliveredBefore: session.delivered,
                    deliveredTime: session.deliveredTime, isLoaded: isLoaded, isLimited: isLimited))
            session.flightSize += size
            session.repair.debt -= size / 3
            counters.sent += 1
            if isResent { counters.resent += 1 }
            items.append(.init(number: packet.number, isResent: isResent, packet: packet.packet))
        }
        session.repair.debt = max(session.repair.debt, 0)
        let lowest = min(session.told(store.lowest), items.first?.number ?? store.lowest)
        send(.data(.init(session: session.identity, lowest: lowest, items: items)), &actions)
    }

    /// Tombstones go ahead of packets: they are small, and they explain.
    private mutating func sendTombstones(
        _ session: inout SenderSession, _ store: StoreState, _ now: LinkTime, _ actions: inout [Action]
    ) {
        var items: [Tombstone] = []
        let elsewhere = store.isLost ? [] : session.elsewhere(below: store.lowest, now: now.utc)
        for stone in (elsewhere + store.tombstones).sorted(by: { $0.numbers.lowerBound < $1.numbers.lowerBound }) {
            let isNews = !session.stones.contains(stone.numbers) && !session.settled.contains(stone.numbers)
            let isApart = stone.numbers.lowerBound >= items.last?.numbers.upperBound ?? 1
            if isNews, isApart, items.count < LinkLimit.tombstones { items.append(stone) }
        }
        guard let first = items.first else { return }
        if !session.isWaiting { session.lastProgress = now.monotonic }
        session.stones += items.map(\.numbers)
        // a tombstone is acknowledged under the numbers of packets: what it stands for must not be on the line behind it
        session.building.removeAll { packet in items.contains { $0.numbers.contains(packet.number) } }
        session.buildingSize = session.building.reduce(0) { $0 + $1.packet.count }
        counters.tombstones += items.count
        let lowest = min(session.told(store.unsettledLowest), first.numbers.lowerBound)
        send(.tombstone(.init(session: session.identity, lowest: lowest, items: items)), &actions)
    }

    /// Sends what a WANT asked for, one batch at a time.
    private mutating func replay(
        _ session: inout SenderSession, _ store: StoreState, _ now: LinkTime, _ actions: inout [Action]
    ) {
        if session.repair.packets.isEmpty, !session.repair.isLoading, let numbers = session.repair.numbers.first {
            session.repair.isLoading = true
            actions.append(.store(.replay(epoch: store.epoch, numbers: numbers, size: session.batchSize)))
        }
        let isIdle = session.building.isEmpty && session.lanes.isEmpty
        guard session.repair.flightEnd == nil, isIdle || session.repair.debt <= 0,
            let first = session.repair.packets.first
        else { return }
        let limit = min(session.batchSize, line.oneSecond(limit: bucket.limit, unknown: Self.firstBatchSize))
        var items: [LinkMessage.DataBatch.Item] = []
        var size = 0
        for packet in session.repair.packets {
            let sum = size + packet.packet.count
            guard session.allows(sum, more: items.count + 1, window: .max),
                items.isEmpty || items.count < LinkLimit.batchPackets && sum <= limit
            else { break }
            items.append(.init(number: packet.number, isResent: true, packet: packet.packet))
            size = sum
        }
        guard !items.isEmpty else { return }
        session.repair.packets.removeFirst(items.count)
        session.repair.flightCount = items.count
        session.repair.flightSize = size
        session.repair.flightEnd = now.monotonic + max(1_000, Int64(2 * (line.roundTrip ?? 0)))
        session.repair.debt = size
        counters.replayed += items.count
        // never above what is unsettled: `lowest` frees the gateway from waiting for all below
        let lowest = min(session.told(store.unsettledLowest), first.number)
        send(.data(.init(session: session.identity, lowest: lowest, items: items)), &actions)
    }
}
