internal import PerigeeCore

// What the station does with messages, and how it fills the window.
extension SenderMachine {
    mutating func receive(
        _ octets: ArraySlice<UInt8>, _ now: LinkTime, _ queue: inout some PacketQueue, _ actions: inout [Action]
    ) {
        let message: LinkMessage
        do throws(FormatError) { message = try LinkMessage(parsing: octets) } catch {
            counters.ignored += 1
            return
        }
        switch (phase, message) {
        case (.greeting(let greeting, _, _), .welcome(let welcome)) where welcome.greeting == greeting:
            open(welcome, now, &queue, &actions)
        case (.open(var session), .ack(let ack)) where ack.session == session.identity:
            session.lastHeard = now.monotonic
            session.pings = 0
            session.credit = smaller(ack.credit)
            guard settle(ack.acknowledgement, &session, now, &queue) else { return stop(.epochConflict, &actions) }
            phase = .open(session)
        case (.open(var session), .reject(let reject)) where reject.session == session.identity:
            session.lastHeard = now.monotonic
            if let index = session.flight.firstIndex(where: { $0.number == reject.number }) {
                session.flightSize -= session.flight[index].size
                session.flight.remove(at: index)
                session.lastProgress = now.monotonic
                counters.rejected += 1
                queue.setAside(reject.number, code: reject.code)
            } else {
                counters.ignored += 1
            }
            phase = .open(session)
        case (.open(var session), .pong(let pong)) where pong.session == session.identity:
            session.lastHeard = now.monotonic
            session.pings = 0
            phase = .open(session)
        case (.open(let session), .bye(let bye)) where bye.session == session.identity:
            leave(bye.reason, now, queue, &actions)
        default: counters.ignored += 1
        }
    }

    private mutating func leave(
        _ reason: ByeReason, _ now: LinkTime, _ queue: some PacketQueue, _ actions: inout [Action]
    ) {
        switch reason {
        case .unknownSession: greet(attempt: 1, now, queue, &actions)
        case .superseded, .draining, .violation, .version, .full:
            // the socket stays; if the gateway comes back on it, `.ready` greets, else time runs out and it is replaced
            phase = .connecting(deadline: now.monotonic + configuration.greetingMilliseconds)
        }
    }

    private mutating func open(
        _ welcome: LinkMessage.Welcome, _ now: LinkTime, _ queue: inout some PacketQueue, _ actions: inout [Action]
    ) {
        var session = SenderSession(
            identity: welcome.session, opened: now.monotonic, resumeEnd: highestSent, batchSize: welcome.batchSize,
            credit: smaller(welcome.credit), cursor: queue.lowest, lastHeard: now.monotonic,
            lastProgress: now.monotonic)
        counters.sessions += 1
        guard settle(welcome.acknowledgement, &session, now, &queue) else { return stop(.epochConflict, &actions) }
        session.cursor = queue.lowest
        holdDeadline = now.monotonic  // what waited for a session has waited long enough
        phase = .open(session)
    }

    private func smaller(_ credit: Credit) -> Credit {
        Credit(
            packets: min(credit.packets, configuration.window.packets),
            size: min(credit.size, configuration.window.size))
    }

    /// False where the gateway covers numbers that were never given.
    private mutating func settle(
        _ acknowledgement: Acknowledgement, _ session: inout SenderSession, _ now: LinkTime,
        _ queue: inout some PacketQueue
    ) -> Bool {
        guard acknowledgement.highest < queue.next else { return false }
        let before = (queue.heldCount, queue.heldSize)
        queue.settle(acknowledgement)
        counters.acknowledged += before.0 - queue.heldCount
        counters.acknowledgedSize += before.1 - queue.heldSize
        if session.settle(acknowledgement).count > 0 { session.lastProgress = now.monotonic }
        return true
    }

    /// Sends batches as long as the credit allows. A batch that is not full waits for its hold time.
    mutating func pump(_ now: LinkTime, _ queue: some PacketQueue, _ actions: inout [Action]) {
        guard case .open(var session) = phase else { return }
        let isDue = drainDeadline != nil || holdDeadline.map { now.monotonic >= $0 } ?? true
        var isHeld = false
        while let batch = nextBatch(session, queue) {
            guard batch.isFull || isDue else {
                isHeld = true
                break
            }
            if session.flight.isEmpty { session.lastProgress = now.monotonic }
            for item in batch.items {
                session.flight.append((item.number, item.packet.count))
                session.flightSize += item.packet.count
                counters.sent += 1
                if item.isResent { counters.resent += 1 }
                highestSent = max(highestSent, item.number)
                session.cursor = item.number + 1
            }
            let message = LinkMessage.DataBatch(session: session.identity, lowest: queue.lowest, items: batch.items)
            actions.append(.send(LinkMessage.data(message).packed()))
        }
        if !isHeld { holdDeadline = nil }  // what is left waits for credit, not for time
        phase = .open(session)
    }

    /// The next packets that fit credit and batch; nil where there are none. `isFull` where another would not have fitted the batch.
    private func nextBatch(
        _ session: SenderSession, _ queue: some PacketQueue
    ) -> (items: [LinkMessage.DataBatch.Item], isFull: Bool)? {
        var items: [LinkMessage.DataBatch.Item] = []
        var size = 0
        var isFull = false
        var cursor = session.cursor
        while let number = queue.firstHeld(from: cursor), let packet = queue.packet(number) {
            guard session.flight.count + items.count < session.credit.packets,
                session.flightSize + size + packet.count <= session.credit.size
            else { break }
            isFull = items.count == LinkLimit.batchPackets || size + packet.count > session.batchSize
            if isFull { break }
            items.append(.init(number: number, isResent: number <= highestSent, packet: packet))
            size += packet.count
            cursor = number + 1
        }
        return items.isEmpty ? nil : (items, isFull)
    }
}
